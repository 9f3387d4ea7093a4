/** Promises about messages that are cancelled, changed or in a group, and about paused queues. */
import { settingsCacheMs, tombstoneMs } from '../../../contract/limits.ts';
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf, isCertain, releasesOf, timesOf } from './by-id.ts';
import { mayBeGone } from './endings.ts';
import type { Delivery, Ledger, Life } from './ledger.ts';
import { type CallOf, callsOf, endOf, mayBeDone } from './outcomes.ts';
import { debouncesOf } from './repeats.ts';
import { isDone, leaseEnd } from './visibility.ts';
import { askedTime } from './waits.ts';

export function* judgeRecords(ledger: Ledger): Generator<Violation> {
  for (const life of ledger.lives) {
    yield* judgeCancelled(ledger, life);
    yield* judgeRescheduled(ledger, life);
  }
  yield* judgeGroups(ledger);
  yield* judgePaused(ledger);
}

/**
 * After the answer to a cancel, no receive delivers the message and its holder is refused. With several messages under one own id, the call
 * meant the last. So it holds for each message that was certainly stored by then, or had been received.
 */
function* judgeCancelled(ledger: Ledger, life: Life): Generator<Violation> {
  if (life.id === undefined || !isIdentified(ledger, life)) return;
  for (const cancel of cancelsOf(ledger, life)) {
    const isStored = life.accepted && endOf(life.published) < cancel.startedAt;
    const wasReceived = life.deliveries.some(({ queue, endedAt }) => queue === cancel.params.queue && endedAt < cancel.startedAt);
    if (!isCertain(cancel) || !(isStored || wasReceived)) continue;
    for (const delivery of life.deliveries) {
      const calls = [life.published, cancel, delivery.call];
      // The own id is free again after an hour.
      if (delivery.startedAt > endOf(cancel) && delivery.startedAt < cancel.startedAt + tombstoneMs) {
        yield { promise: 'cancelled-never-comes', text: `message ${life.id} was cancelled, and delivered afterwards`, calls };
      }
      const late = delivery.acts.find((act) => isDone(act) && act.call.startedAt > endOf(cancel));
      if (late) {
        const text = `${late.operation} of message ${life.id} was answered ok after it was cancelled`;
        yield { promise: 'cancelled-never-comes', text, calls: [...calls, late.call] };
      }
    }
  }
}

/** Whether its deliveries are certainly its own: it is the only message of its id, or all are of one queue and no call edits a body. */
function isIdentified({ byId, changes }: Ledger, { id, queue, entry }: Life): boolean {
  const alike = byId.get(id!) ?? [];
  if (alike.length === 1) return true;
  return entry.id !== undefined && !changes.has(id!) && alike.every((other) => other.queue === queue);
}

/** A postponed message does not come early. */
function* judgeRescheduled(ledger: Ledger, life: Life): Generator<Violation> {
  const changes = timesOf(ledger, life);
  for (const change of changes) {
    if (!('output' in change.answer)) continue;
    const visibleAt = Date.parse(change.answer.output.visibleAt);
    const earliest = askedTime(change, change.startedAt - ledger.clockErrorMs);
    const latest = askedTime(change, endOf(change) + ledger.clockErrorMs);
    if (visibleAt < earliest) {
      const text = `message ${life.id} is said to become visible ${earliest - visibleAt} ms too early`;
      yield { promise: 'never-before-visible', text, calls: [change] };
    }
    if (visibleAt > latest) {
      const text = `message ${life.id} is said to become visible ${visibleAt - latest} ms too late`;
      yield { promise: 'liveness', text, calls: [change] };
    }
    for (const delivery of life.deliveries) {
      if (delivery.queue !== change.params.queue || delivery.startedAt <= endOf(change)) continue;
      const isOverruled = changes.some(
        (other) => other !== change && endOf(other) > change.startedAt && other.startedAt < delivery.endedAt,
      );
      const redrives = [...ledger.queues.reachable(life.queue)].some(
        (queue) => ledger.queues.redrives(queue, delivery.endedAt).length > 0,
      );
      const early = visibleAt - 2 * ledger.clockErrorMs - delivery.endedAt;
      const isDebounced = debouncesOf(ledger, life).some(({ call }) => call.startedAt <= delivery.endedAt);
      if (early <= 0 || isDebounced || isOverruled || redrives || (ledger.byId.get(life.id!)?.length ?? 0) > 1) continue;
      const text = `message ${life.id} was delivered ${early} ms before the instant to which it was postponed`;
      yield { promise: 'never-before-visible', text, calls: [change, delivery.call] };
    }
  }
}

/** In a group, an earlier message has ended before a later one is received, or is received with it. */
function* judgeGroups(ledger: Ledger): Generator<Violation> {
  const groups = Map.groupBy(
    ledger.lives.filter(({ accepted, entry, queue }) => accepted && entry.group !== undefined && isOrdered(ledger, queue)),
    ({ queue, entry }) => `${queue} ${entry.group}`,
  );
  for (const lives of groups.values()) {
    for (const [index, first] of lives.entries()) {
      for (const second of lives.slice(index + 1)) {
        const isBefore =
          (first.answeredAt ?? endOf(first.published)) < second.published.startedAt || isBeforeInCall(first, second);
        if (!isBefore) continue;
        for (const delivery of second.deliveries) yield* judgeTurn(ledger, first, delivery);
      }
    }
    // A message that was dead-lettered and redriven has no group any more.
    const isInGroup = ({ queue, message, life }: Delivery) => queue === life.queue && message.group !== undefined;
    yield* judgeGroupLeases(
      ledger,
      lives.flatMap((life) => life.deliveries.filter(isInGroup)),
    );
  }
}

function isBeforeInCall(first: Life, second: Life): boolean {
  const { messages } = first.published.input;
  return first.published === second.published && messages.indexOf(first.entry) < messages.indexOf(second.entry);
}

/** Whether the order of a group always holds: no message leaves the group, has a second lease beside it, or is redriven. */
function isOrdered({ queues }: Ledger, queue: string): boolean {
  const settings = queues.settings(queue);
  const isStrict = settings.every(({ groups }) => groups === null || (groups.concurrency === 1 && groups.onFailure === 'block'));
  return settings.length > 0 && isStrict && queues.redrives(queue, Number.POSITIVE_INFINITY).length === 0;
}

function* judgeTurn(ledger: Ledger, first: Life, delivery: Delivery): Generator<Violation> {
  const { queues } = ledger;
  if (delivery.queue !== first.queue) return;
  const isTogether = first.deliveries.some(({ call }) => call === delivery.call);
  const acks = first.deliveries.flatMap(({ acts }) => acts.filter(({ operation }) => operation === 'ack'));
  const mayBeAcked = acks.some((act) => act.call.startedAt <= delivery.endedAt && (act.outcome === 'uncertain' || isDone(act)));
  const mayBeCancelled = cancelsOf(ledger, first).some(({ startedAt }) => startedAt <= delivery.endedAt);
  const mayBeDead = queues.settings(first.queue).some(({ deadLetter }) => deadLetter);
  if (isTogether || mayBeAcked || mayBeCancelled || mayBeDead || mayBeGone(ledger, first, delivery.endedAt)) return;
  const text = `message ${delivery.message.id} of the group ${first.entry.group} was delivered before ${first.id} had ended`;
  const calls: Call[] = [first.published, delivery.life.published, ...first.deliveries.map(({ call }) => call), delivery.call];
  yield { promise: 'group-order', text, calls };
}

/** Only one receive at a time holds messages of a group. `deliveries`: those from one group of a queue. */
export function* judgeGroupLeases(ledger: Ledger, deliveries: readonly Delivery[]): Generator<Violation> {
  for (const first of deliveries) {
    for (const second of deliveries) {
      if (first.life === second.life || first.call === second.call || first.endedAt >= second.startedAt) continue;
      const isGivenUp =
        first.acts.some(({ operation, call }) => operation !== 'extend' && call.startedAt <= second.endedAt) ||
        releasesOf(ledger, first, second.endedAt).length > 0;
      const mayBeCancelled = cancelsOf(ledger, first.life).some(({ startedAt }) => startedAt <= second.endedAt);
      const remaining = leaseEnd(ledger, first, second.endedAt) - ledger.clockErrorMs - second.endedAt;
      if (isGivenUp || mayBeCancelled || remaining <= 0 || mayBeGone(ledger, first.life, second.endedAt)) continue;
      const text = `message ${second.message.id} was delivered while ${first.message.id} of its group was leased`;
      yield { promise: 'one-lease-a-group', text, calls: [first.call, second.call] };
    }
  }
}

/** Whether the queue is running after this call. An update without `paused` does not change that. */
function resumesQueue({ operation, input }: CallOf<'createQueue' | 'updateQueue'>): boolean {
  return operation === 'createQueue' ? input.paused !== true : input.paused === false;
}

/** While a pause is certainly in force, no receive delivers anything, even if it began before. */
function* judgePaused({ calls, clockErrorMs }: Ledger): Generator<Violation> {
  const updates = [...callsOf(calls, 'updateQueue'), ...callsOf(calls, 'createQueue')].filter(mayBeDone);
  for (const pause of updates) {
    if (pause.input.paused !== true || !('output' in pause.answer)) continue;
    const from = endOf(pause) + settingsCacheMs + 2 * clockErrorMs;
    const resumes = updates.filter(
      (other) => other.params.queue === pause.params.queue && resumesQueue(other) && endOf(other) > pause.startedAt,
    );
    const isOver = (at: number) => resumes.some(({ startedAt }) => startedAt <= at);
    for (const receive of callsOf(calls, 'receive')) {
      const isOfPaused = receive.params.queue === pause.params.queue && endOf(receive) > from && !isOver(endOf(receive));
      if (!isOfPaused || !('output' in receive.answer) || receive.answer.output.messages.length === 0) continue;
      const text = `the queue ${pause.params.queue} was paused, and delivered messages`;
      yield { promise: 'paused-gives-nothing', text, calls: [pause, receive] };
    }
  }
}
