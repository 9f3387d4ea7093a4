/** What is promised of messages that are cancelled, changed, or in a group; and of queues that are paused. */
import { settingsCacheMs, tombstoneMs } from '../../../contract/limits.ts';
import type { Call, Violation } from '../run/history.ts';
import { cancelsOf, isCertain, timesOf } from './by-id.ts';
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
 * After the answer nobody receives it, and whoever holds it is told. Of several under one own id the last one was meant: those before it were
 * over when it was stored. So it is of any that was surely stored by then, and of one that somebody had received, whatever its publisher was told.
 */
function* judgeCancelled(ledger: Ledger, life: Life): Generator<Violation> {
  if (life.id === undefined || !isToldByBody(ledger, life)) return;
  for (const cancel of cancelsOf(ledger, life)) {
    const isStored = life.accepted && endOf(life.published) < cancel.startedAt;
    const wasReceived = life.deliveries.some(({ queue, endedAt }) => queue === cancel.params.queue && endedAt < cancel.startedAt);
    if (!isCertain(cancel) || !(isStored || wasReceived)) continue;
    for (const delivery of life.deliveries) {
      const calls = [life.published, cancel, delivery.call];
      // Its own id is free again after an hour.
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

/** Whether its deliveries are told from those of others under its id: it is alone, or they are all of one queue, and nothing edits their bodies. */
function isToldByBody({ byId, changes }: Ledger, { id, queue, entry }: Life): boolean {
  const alike = byId.get(id!) ?? [];
  if (alike.length === 1) return true;
  return entry.id !== undefined && !changes.has(id!) && alike.every((other) => other.queue === queue);
}

/** It does not come before the instant that it was put off to. */
function* judgeRescheduled(ledger: Ledger, life: Life): Generator<Violation> {
  const changes = timesOf(ledger, life);
  for (const change of changes) {
    if (!('output' in change.answer)) continue;
    const visibleAt = Date.parse(change.answer.output.visibleAt);
    const earliest = askedTime(change, change.startedAt - ledger.clockErrorMs);
    const latest = askedTime(change, endOf(change) + ledger.clockErrorMs);
    if (visibleAt < earliest) {
      const text = `message ${life.id} is said to come ${earliest - visibleAt} ms before it was asked to`;
      yield { promise: 'never-before-visible', text, calls: [change] };
    }
    if (visibleAt > latest) {
      const text = `message ${life.id} is said to come ${visibleAt - latest} ms after it was asked to`;
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
      const text = `message ${life.id} was delivered ${early} ms before the instant that it was put off to`;
      yield { promise: 'never-before-visible', text, calls: [change, delivery.call] };
    }
  }
}

/** In a group, what was published first is over before what follows is received, or is received with it. */
function* judgeGroups(ledger: Ledger): Generator<Violation> {
  const groups = Map.groupBy(
    ledger.lives.filter(({ accepted, entry, queue }) => accepted && entry.group !== undefined && isOrdered(ledger, queue)),
    ({ queue, entry }) => `${queue} ${entry.group}`,
  );
  for (const lives of groups.values()) {
    for (const [index, first] of lives.entries()) {
      for (const second of lives.slice(index + 1)) {
        const isBefore = endOf(first.published) < second.published.startedAt || isBeforeInCall(first, second);
        if (!isBefore) continue;
        for (const delivery of second.deliveries) yield* judgeTurn(ledger, first, delivery);
      }
    }
    yield* judgeGroupLeases(ledger, lives);
  }
}

function isBeforeInCall(first: Life, second: Life): boolean {
  const { messages } = first.published.input;
  return first.published === second.published && messages.indexOf(first.entry) < messages.indexOf(second.entry);
}

/** Whether nothing lets a message of a group go past another: moved aside, several leases at a time, moved by a redrive. */
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
  const text = `message ${delivery.message.id} of the group ${first.entry.group} was delivered before ${first.id} was over`;
  const calls: Call[] = [first.published, delivery.life.published, ...first.deliveries.map(({ call }) => call), delivery.call];
  yield { promise: 'group-order', text, calls };
}

/** No two receives hold messages of one group at the same time. */
function* judgeGroupLeases(ledger: Ledger, lives: readonly Life[]): Generator<Violation> {
  // What was dead-lettered and redriven came back without its group.
  const isInGroup = ({ queue, message, life }: Delivery) => queue === life.queue && message.group !== undefined;
  const deliveries = lives.flatMap((life) => life.deliveries.filter(isInGroup));
  for (const first of deliveries) {
    for (const second of deliveries) {
      if (first.life === second.life || first.call === second.call || first.endedAt >= second.startedAt) continue;
      const isGivenUp = first.acts.some(({ operation, call }) => operation !== 'extend' && call.startedAt <= second.endedAt);
      const mayBeCancelled = cancelsOf(ledger, first.life).some(({ startedAt }) => startedAt <= second.endedAt);
      const remaining = leaseEnd(ledger, first, second.endedAt) - ledger.clockErrorMs - second.endedAt;
      if (isGivenUp || mayBeCancelled || remaining <= 0 || mayBeGone(ledger, first.life, second.endedAt)) continue;
      const text = `message ${second.message.id} was delivered while ${first.message.id} of its group was leased`;
      yield { promise: 'one-lease-a-group', text, calls: [first.call, second.call] };
    }
  }
}

/** Whether a queue is not paused after this call: an update that does not say leaves it as it is. */
function resumesQueue({ operation, input }: CallOf<'createQueue' | 'updateQueue'>): boolean {
  return operation === 'createQueue' ? input.paused !== true : input.paused === false;
}

/** From when a pause is in force everywhere until it may be over, no receive gives anything, whenever it began. */
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
      const text = `the queue ${pause.params.queue} was paused, and gave messages`;
      yield { promise: 'paused-gives-nothing', text, calls: [pause, receive] };
    }
  }
}
