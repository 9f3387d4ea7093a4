/** What is promised of messages that their queue keeps when they have ended: each can be read as it ended, until its time is over. */
import type { Message, QueueSettings } from '../../../contract/contract.ts';
import type { Violation } from '../run/history.ts';
import { mayReuseIds } from './acts.ts';
import { cancelsOf, isCertain, mayCarry } from './by-id.ts';
import { contentKey } from './content.ts';
import { beyondMarginMs } from './endings.ts';
import type { Act, Delivery, Ledger, Life } from './ledger.ts';
import { type CallOf, callsOf, endOf } from './outcomes.ts';
import { isDone } from './visibility.ts';

type Look = CallOf<'getMessage'>;
type Ack = Extract<Act, { operation: 'ack' }> & { delivery: Delivery };
type Shown = Message & { endedAt: string; keptUntil: string };

export function* judgeKept(ledger: Ledger): Generator<Violation> {
  const looks = Map.groupBy(callsOf(ledger.calls, 'getMessage'), ({ params }) => params.id);
  for (const life of ledger.lives) {
    const alike = life.id === undefined ? [] : (ledger.byId.get(life.id) ?? []);
    // Of several under one own id, it is not told which was meant.
    if (alike.length === 1) yield* judgeLooks(ledger, life, looks.get(life.id!) ?? []);
    else yield* judgeSuccessors(ledger, life, alike);
  }
}

function* judgeLooks(ledger: Ledger, life: Life, looks: readonly Look[]): Generator<Violation> {
  const acks = acksOf(life);
  let last: { look: Look; message: Shown } | undefined;
  for (const look of looks) {
    const message = shownBy(look);
    if (message) {
      yield* judgeShown(ledger, life, { look, message, acks });
      yield* judgeAfter(ledger, life, look, message);
    }
    yield* judgeFound(ledger, life, { look, message, acks });
    if (last && look.startedAt > endOf(last.look)) yield* judgeSame(ledger, life, last, { look, message });
    if (message) last = { look, message };
  }
}

function shownBy({ answer }: Look): Shown | undefined {
  return 'output' in answer && answer.output.endedAt !== undefined ? (answer.output as Shown) : undefined;
}

/** Whether an answer says what there is: `message_not_found` does. */
function isTold({ answer }: Look): boolean {
  return 'output' in answer || ('refused' in answer && answer.refused === 'message_not_found');
}

/** Acks that may have ended it. */
function acksOf(life: Life): Ack[] {
  const acks = life.deliveries.flatMap((delivery) =>
    delivery.acts.flatMap((act) => (act.operation === 'ack' ? [{ ...act, delivery }] : [])),
  );
  return acks.filter((ack) => ack.outcome === 'uncertain' || isDone(ack)).sort((a, b) => a.call.startedAt - b.call.startedAt);
}

/** Those of them that may have been the first. */
function firstOf(acks: readonly Ack[]): Ack[] {
  return acks.filter(({ call }) => !acks.some((other) => isDone(other) && endOf(other.call) < call.startedAt));
}

const told = (promise: Violation['promise'], text: string, calls: Violation['calls']): Violation => ({ promise, text, calls });
const resultKey = (result: Message['result']) => (result === undefined ? '' : contentKey({ body: result }));

/** What is shown is so: it ended like that, with that result, and its time is not over. */
function* judgeShown(
  ledger: Ledger,
  life: Life,
  { look, message, acks }: { look: Look; message: Shown; acks: readonly Ack[] },
): Generator<Violation> {
  const { clockErrorMs, queues } = ledger;
  const by = endOf(look);
  const endedAt = Date.parse(message.endedAt);
  const keptUntil = Date.parse(message.keptUntil);
  const broken = (text: string, calls: Violation['calls'] = []) =>
    told('kept-can-be-read', `message ${life.id} ${text}`, [life.published, ...calls, look]);
  const { published } = life;
  if (!mayCarry(ledger, life, contentKey(message), { startedAt: look.startedAt, endedAt: by })) {
    yield broken('was shown with another content than it was published with');
  }
  if (keptUntil <= look.startedAt - clockErrorMs) yield broken('was shown though its time was over');
  const settings = queues.settings(message.queue);
  const seconds = settings.map(({ keep }) => (message.state === 'done' ? keep?.doneSeconds : keep?.deadSeconds) ?? 0);
  if (settings.length > 0 && !seconds.includes((keptUntil - endedAt) / 1000)) {
    yield broken(`is kept for ${keptUntil - endedAt} ms, which no settings said`);
  }
  const isPurged = queues
    .purges(message.queue)
    .some(
      (purge) =>
        'output' in purge.answer && endOf(published) + beyondMarginMs(ledger) < purge.startedAt && endOf(purge) < look.startedAt,
    );
  const isOrigin = message.queue === life.queue && queues.redrives(message.queue, by).length === 0;
  if (isPurged && isOrigin)
    yield told('purge', `message ${life.id} was purged, and shown as ${message.state}`, [published, look]);
  if (message.state === 'cancelled') {
    if (!cancelsOf(ledger, life).some(({ startedAt }) => startedAt <= by))
      yield broken('was shown as cancelled, and nobody did that');
    return;
  }
  if (message.state === 'expired') {
    if (!mayHaveExpired(ledger, life, message, by)) yield broken('was shown as expired before its time');
    return;
  }
  const first = firstOf(acks).filter(({ call }) => call.startedAt <= by);
  const calls = first.map(({ call }) => call);
  if (first.length === 0) yield broken('was shown as done, and nobody acked it');
  else if (!first.some(({ call }) => resultKey(call.input.result) === resultKey(message.result))) {
    yield broken('was shown with a result that the first ack did not give', calls);
  } else if (!first.some(({ call }) => endedAt >= call.startedAt - clockErrorMs && endedAt <= endOf(call) + clockErrorMs)) {
    yield broken(`is said to have ended at ${message.endedAt}, when nobody acked it`, calls);
  }
}

function mayHaveExpired({ queues, clockErrorMs }: Ledger, life: Life, { queue }: Shown, by: number): boolean {
  const settings = queues.settings(queue);
  return settings.some(
    ({ retentionSeconds, deadLetter }) =>
      retentionSeconds !== null &&
      deadLetter === null &&
      life.published.startedAt + retentionSeconds * 1000 <= by + 2 * clockErrorMs,
  );
}

/** What was shown as over does not come back. */
function* judgeAfter({ clockErrorMs }: Ledger, life: Life, look: Look, { state }: Shown): Generator<Violation> {
  const after = life.deliveries.find(({ startedAt }) => startedAt > endOf(look) + 2 * clockErrorMs);
  if (!after) return;
  yield told('acked-never-comes-back', `message ${life.id} was shown as ${state}, and delivered afterwards`, [look, after.call]);
}

/** Whoever was told that a message has ended finds it so. */
function* judgeFound(
  ledger: Ledger,
  life: Life,
  { look, message, acks }: { look: Look; message: Shown | undefined; acks: readonly Ack[] },
): Generator<Violation> {
  if (!isTold(look) || mayBeForgotten(ledger, life, look.params.queue, endOf(look))) return;
  const cancels = cancelsOf(ledger, life);
  const isBefore = (call: { startedAt: number }) => call.startedAt < look.startedAt;
  // A second one is answered like the first, in whatever queue it looks for the message.
  const isHere = cancels.every(({ params }) => params.queue === look.params.queue);
  const cancel = isHere && cancels.find((call) => isCertain(call) && endOf(call) < look.startedAt);
  const cancelledFrom = Math.min(...cancels.filter(isBefore).map(({ startedAt }) => startedAt));
  const acked = acks.find((ack) => isDone(ack) && endOf(ack.call) < look.startedAt && ack.delivery.queue === look.params.queue);
  const done = acked && ({ state: 'done', at: acks[0]!.call.startedAt, call: acked.call } as const);
  const given = cancel && ({ state: 'cancelled', at: cancelledFrom, call: cancel } as const);
  const ending = done ?? (given || undefined);
  if (!ending || message?.state === ending.state) return;
  const until = ending.at + keptMsLeast(ledger, look.params.queue, ending.state);
  if (endOf(look) + 2 * ledger.clockErrorMs >= until) return;
  const seen = message ? `shown as ${message.state}` : 'not there';
  yield told('kept-can-be-read', `message ${life.id} was ${ending.state}, is to be kept, and is ${seen}`, [
    life.published,
    ending.call,
    look,
  ]);
}

/** As it was shown once it is shown again. */
function* judgeSame(
  ledger: Ledger,
  life: Life,
  first: { look: Look; message: Shown },
  second: { look: Look; message: Shown | undefined },
): Generator<Violation> {
  const { look, message } = second;
  const { queue, state, keptUntil } = first.message;
  if (look.params.queue !== first.look.params.queue || !isTold(look) || mayBeForgotten(ledger, life, queue, endOf(look))) return;
  // That of one that nobody has met since it expired is reckoned anew each time, by the settings of the time.
  const until =
    state === 'expired' ? Date.parse(first.message.endedAt) + keptMsLeast(ledger, queue, state) : Date.parse(keptUntil);
  if (endOf(look) + ledger.clockErrorMs >= until) return;
  const ending = (one: Shown | undefined) => one && [one.state, one.endedAt, resultKey(one.result)].join(' ');
  if (ending(message) === ending(first.message)) return;
  // Whoever held it when it grew too old may ack it until somebody has met it since.
  if (state === 'expired' && message?.state === 'done') return;
  const text = `message ${life.id} was shown as ${ending(first.message)}, and then as ${ending(message) ?? 'not there'}`;
  yield told('kept-can-be-read', text, [life.published, first.look, look]);
}

/** While a message is kept, its own id is not given to another. */
function* judgeSuccessors(ledger: Ledger, life: Life, alike: readonly Life[]): Generator<Violation> {
  const acks = acksOf(life);
  const acked = acks.find((ack) => isDone(ack) && ack.delivery.queue === life.queue);
  if (!acked || !life.accepted || mayReuseIds(ledger, life.queue)) return;
  for (const { accepted, queue, published } of alike) {
    if (!accepted || queue !== life.queue || published.startedAt <= endOf(acked.call)) continue;
    const until = acks[0]!.call.startedAt + keptMsLeast(ledger, queue, 'done');
    if (endOf(published) + 2 * ledger.clockErrorMs >= until || mayBeForgotten(ledger, life, queue, endOf(published))) continue;
    const text = `message ${life.id} was acked and is to be kept, and its id was given to another`;
    yield told('kept-can-be-read', text, [life.published, acked.call, published]);
  }
}

function keptMsLeast({ queues }: Ledger, queue: string, state: Shown['state']): number {
  const seconds = (settings: QueueSettings) => (state === 'done' ? settings.keep?.doneSeconds : settings.keep?.deadSeconds) ?? 0;
  const all = queues.settings(queue).map(seconds);
  return all.length === 0 ? 0 : 1000 * Math.min(...all);
}

/** Whether a purge, or the end of its queue, may have taken what was kept. */
function mayBeForgotten({ queues, clockErrorMs }: Ledger, life: Life, queue: string, by: number): boolean {
  const from = life.published.startedAt - 4 * clockErrorMs;
  return queues.isDeleted(queue) || queues.purges(queue).some((purge) => purge.startedAt <= by && endOf(purge) >= from);
}
