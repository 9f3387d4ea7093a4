/** Promises about kept messages: each can be read as it ended until its time is over. */
import type { Message, QueueSettings } from '../../../contract/contract.ts';
import type { Violation } from '../run/history.ts';
import { mayReuseIds } from './acts.ts';
import { cancelsOf, isCertain, mayCarry } from './by-id.ts';
import { contentKey } from './content.ts';
import { beyondMarginMs } from './endings.ts';
import type { Act, Delivery, Ledger, Life } from './ledger.ts';
import { type CallOf, callsOf, endOf } from './outcomes.ts';
import { isDone } from './visibility.ts';

type Read = CallOf<'getMessage'>;
type Ack = Extract<Act, { operation: 'ack' }> & { delivery: Delivery };
type Shown = Message & { endedAt: string; keptUntil: string };

export function* judgeKept(ledger: Ledger): Generator<Violation> {
  const reads = Map.groupBy(callsOf(ledger.calls, 'getMessage'), ({ params }) => params.id);
  for (const life of ledger.lives) {
    const alike = life.id === undefined ? [] : (ledger.byId.get(life.id) ?? []);
    // With several messages under one own id, the call may have meant another.
    if (alike.length === 1) yield* judgeReads(ledger, life, reads.get(life.id!) ?? []);
    else yield* judgeSuccessors(ledger, life, alike);
  }
}

function* judgeReads(ledger: Ledger, life: Life, reads: readonly Read[]): Generator<Violation> {
  const acks = acksOf(life);
  let last: { read: Read; message: Shown } | undefined;
  for (const read of reads) {
    const message = shownBy(read);
    if (message) {
      yield* judgeShown(ledger, life, { read, message, acks });
      yield* judgeAfter(ledger, life, read, message);
    }
    yield* judgeFound(ledger, life, { read, message, acks });
    if (last && read.startedAt > endOf(last.read)) yield* judgeSame(ledger, life, last, { read, message });
    if (message) last = { read, message };
  }
}

function shownBy({ answer }: Read): Shown | undefined {
  return 'output' in answer && answer.output.endedAt !== undefined ? (answer.output as Shown) : undefined;
}

/** Whether the answer says if the message is there. `message_not_found` does. */
function isConclusive({ answer }: Read): boolean {
  return 'output' in answer || ('refused' in answer && answer.refused === 'message_not_found');
}

/** Acks that may have ended it. */
function acksOf(life: Life): Ack[] {
  const acks = life.deliveries.flatMap((delivery) =>
    delivery.acts.flatMap((act) => (act.operation === 'ack' ? [{ ...act, delivery }] : [])),
  );
  return acks.filter((ack) => ack.outcome === 'uncertain' || isDone(ack)).sort((a, b) => a.call.startedAt - b.call.startedAt);
}

/** Those that may have been the first. */
function firstOf(acks: readonly Ack[]): Ack[] {
  return acks.filter(({ call }) => !acks.some((other) => isDone(other) && endOf(other.call) < call.startedAt));
}

const broken = (promise: Violation['promise'], text: string, calls: Violation['calls']): Violation => ({ promise, text, calls });
const resultKey = (result: Message['result']) => (result === undefined ? '' : contentKey({ body: result }));

/** What is shown is true: how it ended, its result, and that its time is not over. */
function* judgeShown(
  ledger: Ledger,
  life: Life,
  { read, message, acks }: { read: Read; message: Shown; acks: readonly Ack[] },
): Generator<Violation> {
  const { clockErrorMs, queues } = ledger;
  const by = endOf(read);
  const endedAt = Date.parse(message.endedAt);
  const keptUntil = Date.parse(message.keptUntil);
  const notAsEnded = (text: string, calls: Violation['calls'] = []) =>
    broken('kept-can-be-read', `message ${life.id} ${text}`, [life.published, ...calls, read]);
  const { published } = life;
  if (!mayCarry(ledger, life, contentKey(message), { startedAt: read.startedAt, endedAt: by })) {
    yield notAsEnded('was shown with different content than it was published with');
  }
  if (keptUntil <= read.startedAt - clockErrorMs) yield notAsEnded('was shown though its time was over');
  const settings = queues.settings(message.queue);
  const seconds = settings.map(({ keep }) => (message.state === 'done' ? keep?.doneSeconds : keep?.deadSeconds) ?? 0);
  if (settings.length > 0 && !seconds.includes((keptUntil - endedAt) / 1000)) {
    yield notAsEnded(`is kept for ${keptUntil - endedAt} ms, which no settings asked for`);
  }
  const isPurged = queues
    .purges(message.queue)
    .some(
      (purge) =>
        'output' in purge.answer && endOf(published) + beyondMarginMs(ledger) < purge.startedAt && endOf(purge) < read.startedAt,
    );
  const isOrigin = message.queue === life.queue && queues.redrives(message.queue, by).length === 0;
  if (isPurged && isOrigin)
    yield broken('purge', `message ${life.id} was purged, and shown as ${message.state}`, [published, read]);
  if (message.state === 'cancelled') {
    if (!cancelsOf(ledger, life).some(({ startedAt }) => startedAt <= by))
      yield notAsEnded('was shown as cancelled, and no call did that');
    return;
  }
  if (message.state === 'expired') {
    if (!mayHaveExpired(ledger, life, message, by)) yield notAsEnded('was shown as expired before its time');
    return;
  }
  const first = firstOf(acks).filter(({ call }) => call.startedAt <= by);
  const calls = first.map(({ call }) => call);
  if (first.length === 0) yield notAsEnded('was shown as done, and no call acked it');
  else if (!first.some(({ call }) => resultKey(call.input.result) === resultKey(message.result))) {
    yield notAsEnded('was shown with a result that the first ack did not give', calls);
  } else if (!first.some(({ call }) => endedAt >= call.startedAt - clockErrorMs && endedAt <= endOf(call) + clockErrorMs)) {
    yield notAsEnded(`is said to have ended at ${message.endedAt}, when no call acked it`, calls);
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

/** A message that was shown as ended does not come back. */
function* judgeAfter({ clockErrorMs }: Ledger, life: Life, read: Read, { state }: Shown): Generator<Violation> {
  const after = life.deliveries.find(({ startedAt }) => startedAt > endOf(read) + 2 * clockErrorMs);
  if (!after) return;
  yield broken('acked-never-comes-back', `message ${life.id} was shown as ${state}, and delivered afterwards`, [
    read,
    after.call,
  ]);
}

/** After a call was answered that the message has ended, it is shown as ended. */
function* judgeFound(
  ledger: Ledger,
  life: Life,
  { read, message, acks }: { read: Read; message: Shown | undefined; acks: readonly Ack[] },
): Generator<Violation> {
  if (!isConclusive(read) || mayBeForgotten(ledger, life, read.params.queue, endOf(read))) return;
  const cancels = cancelsOf(ledger, life);
  const isBefore = (call: { startedAt: number }) => call.startedAt < read.startedAt;
  // A second cancel is answered like the first, whichever queue it names.
  const isHere = cancels.every(({ params }) => params.queue === read.params.queue);
  const cancel = isHere && cancels.find((call) => isCertain(call) && endOf(call) < read.startedAt);
  const cancelledFrom = Math.min(...cancels.filter(isBefore).map(({ startedAt }) => startedAt));
  const acked = acks.find((ack) => isDone(ack) && endOf(ack.call) < read.startedAt && ack.delivery.queue === read.params.queue);
  const done = acked && ({ state: 'done', at: acks[0]!.call.startedAt, call: acked.call } as const);
  const given = cancel && ({ state: 'cancelled', at: cancelledFrom, call: cancel } as const);
  const ending = done ?? (given || undefined);
  if (!ending || message?.state === ending.state) return;
  const until = ending.at + keptMsLeast(ledger, read.params.queue, ending.state);
  if (endOf(read) + 2 * ledger.clockErrorMs >= until) return;
  const seen = message ? `shown as ${message.state}` : 'not there';
  yield broken('kept-can-be-read', `message ${life.id} was ${ending.state}, should be kept, and is ${seen}`, [
    life.published,
    ending.call,
    read,
  ]);
}

/** Each later read shows the same ending. */
function* judgeSame(
  ledger: Ledger,
  life: Life,
  first: { read: Read; message: Shown },
  second: { read: Read; message: Shown | undefined },
): Generator<Violation> {
  const { read, message } = second;
  const { queue, state, keptUntil } = first.message;
  if (read.params.queue !== first.read.params.queue || !isConclusive(read) || mayBeForgotten(ledger, life, queue, endOf(read)))
    return;
  // Until a receive or sweep finds an expired message, each read computes its end from the settings in force.
  const until =
    state === 'expired' ? Date.parse(first.message.endedAt) + keptMsLeast(ledger, queue, state) : Date.parse(keptUntil);
  if (endOf(read) + ledger.clockErrorMs >= until) return;
  const ending = (one: Shown | undefined) => one && [one.state, one.endedAt, resultKey(one.result)].join(' ');
  if (ending(message) === ending(first.message)) return;
  // A receiver that held it when it expired may ack it until a receive or sweep finds it.
  if (state === 'expired' && message?.state === 'done') return;
  const text = `message ${life.id} was shown as ${ending(first.message)}, and then as ${ending(message) ?? 'not there'}`;
  yield broken('kept-can-be-read', text, [life.published, first.read, read]);
}

/** While a message is kept, no other message gets its own id. */
function* judgeSuccessors(ledger: Ledger, life: Life, alike: readonly Life[]): Generator<Violation> {
  const acks = acksOf(life);
  const acked = acks.find((ack) => isDone(ack) && ack.delivery.queue === life.queue);
  if (!acked || !life.accepted || mayReuseIds(ledger, life.queue)) return;
  for (const { accepted, queue, published } of alike) {
    if (!accepted || queue !== life.queue || published.startedAt <= endOf(acked.call)) continue;
    const until = acks[0]!.call.startedAt + keptMsLeast(ledger, queue, 'done');
    if (endOf(published) + 2 * ledger.clockErrorMs >= until || mayBeForgotten(ledger, life, queue, endOf(published))) continue;
    const text = `message ${life.id} was acked and should be kept, and another message got its id`;
    yield broken('kept-can-be-read', text, [life.published, acked.call, published]);
  }
}

function keptMsLeast({ queues }: Ledger, queue: string, state: Shown['state']): number {
  const seconds = (settings: QueueSettings) => (state === 'done' ? settings.keep?.doneSeconds : settings.keep?.deadSeconds) ?? 0;
  const all = queues.settings(queue).map(seconds);
  return all.length === 0 ? 0 : 1000 * Math.min(...all);
}

/** Whether a purge, or the deletion of its queue, may have removed what was kept. */
function mayBeForgotten({ queues, clockErrorMs }: Ledger, life: Life, queue: string, by: number): boolean {
  const from = life.published.startedAt - 4 * clockErrorMs;
  return queues.isDeleted(queue) || queues.purges(queue).some((purge) => purge.startedAt <= by && endOf(purge) >= from);
}
