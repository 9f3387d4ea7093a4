/**
 * Delivers the messages of a queue to one target that this process holds: receives as many as the target may get at a time, delivers
 * them in batches, and settles each batch by its own outcome, so a batch that fails holds up no other.
 */
import { type Chain, chainsOf } from '../../contract/chains.ts';
import type { ReceivedMessage } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { batchEntriesMax, settingsCacheMs, targetBytesMax, targetHeldMs } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import { type Clock, ignoreStoreError, type Random, StoreError } from '../../engine/port/port.ts';
import type { Log } from '../service/log.ts';

import { afterEnd, afterFailure, afterSuccess, allowed, type Circuit } from './circuit.ts';
import type { Deliver, Outcome } from './delivery.ts';
import { batchesOf } from './function-event.ts';
import { holdMessages, leaseSecondsOf } from './held-messages.ts';
import { receiveFor } from './receive-for.ts';
import { type Found, isDeliverable, type TargetRecords } from './target-records.ts';

/** The longest receive of a target that waits for messages; shorter than the time that is left of a hold when it is renewed. */
const receiveWaitSeconds = 10;
export const renewMs = targetHeldMs / 3;
/** A batching window ends this long before the process may begin no more deliveries: the next process would start the window again. */
const windowReserveMs = 5_000;

export interface DrainParts {
  engine: Engine;
  records: TargetRecords;
  deliver: Deliver;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface DrainOptions {
  /** Begins no delivery from then on, ms. */
  until: number;
  /** Begins no delivery after this. */
  signal: AbortSignal;
  /** Aborts the deliveries in progress. */
  ending: AbortSignal;
  /** Waits for more messages when the queue is empty, instead of ending. */
  keepsWaiting: boolean;
}

/**
 * Why it ended. `empty`: no message is left. `over`: its time is. `resting`: the target is paused, broken or ended. `gone`: the target or
 * its queue is. `lost`: another process holds the target. `failed`: the store failed.
 */
export type Drained = 'empty' | 'over' | 'resting' | 'gone' | 'lost' | 'failed';

/** `inHand`: messages that were received already. The caller holds the target as `holder`. */
export async function drainTarget(
  { engine, records, deliver, clock, random, log }: DrainParts,
  first: Found,
  holder: string,
  inHand: readonly ReceivedMessage[],
  { until, signal, ending, keepsWaiting }: DrainOptions,
): Promise<Drained> {
  let { target, queue } = first;
  const named = { queue: queue.name, target: target.name };
  let { circuit } = target;
  let readAt = clock.now();
  let heldAt = readAt;
  let changes = records.changes();
  let saving: Promise<void> = Promise.resolve();
  const leaseSeconds = leaseSecondsOf(queue);
  const held = holdMessages({ engine, clock, random, log, queue: queue.name, leaseSeconds });
  const running = new Set<Promise<void>>();
  const ready: Chain<ReceivedMessage>[] = [];
  /** A batch that is not full, until its batching window ends, ms. */
  let filling: { messages: ReceivedMessage[]; until: number } | undefined;
  let receiving: AbortController | undefined;

  /** Holds the target longer. Returns whether this process still holds it. */
  async function renew(): Promise<boolean> {
    const now = clock.now();
    if (now - heldAt < renewMs) return true;
    const renewed = await records.hold(target, holder, now + targetHeldMs);
    if (renewed) heldAt = now;
    return renewed !== undefined;
  }

  /** Reads the target again if what is known of it is too old to deliver by. */
  async function refresh(): Promise<Drained | undefined> {
    if (!(await renew())) return 'lost';
    const now = clock.now();
    if (now - readAt < settingsCacheMs && changes === records.changes()) return undefined;
    changes = records.changes();
    const found = await records.read(target);
    if (!found) return 'gone';
    if (found.target.holder !== holder) return 'lost';
    // A put makes the target active, so it replaces what is known of its failures.
    if (found.target.version !== target.version) circuit = found.target.circuit;
    ({ target, queue } = found);
    readAt = now;
    return undefined;
  }

  function take(received: readonly ReceivedMessage[]): void {
    const { batchSize, maxBatchingWindowSeconds } = target.terms;
    held.add(received);
    const chains = chainsOf(batchesOf([...(filling?.messages ?? []), ...received], batchSize), queue);
    const [only, ...rest] = chains.at(-1)!;
    const isPartial = maxBatchingWindowSeconds > 0 && rest.length === 0 && only!.length < batchSize;
    const started = chains.length > 1 ? undefined : filling?.until;
    const windowEnd = Math.min(clock.now() + maxBatchingWindowSeconds * 1000, until - windowReserveMs);
    filling = isPartial ? { messages: chains.pop()![0]!, until: started ?? windowEnd } : undefined;
    ready.push(...chains);
  }

  function flush(): void {
    if (filling) ready.push([filling.messages]);
    filling = undefined;
  }

  /** Undefined if the queue was deleted, or created again under its name. */
  async function receive(max: number, waitSeconds: number): Promise<ReceivedMessage[] | undefined> {
    receiving = new AbortController();
    const input = { max, waitSeconds, visibilityTimeoutSeconds: leaseSeconds };
    return receiveFor(engine, target, input, { signal: AbortSignal.any([signal, receiving.signal]) });
  }

  function start(chain: Chain<ReceivedMessage>): void {
    const work = deliverChain(chain)
      .catch((error: unknown) => log.error('A delivery failed', { ...named, kind: 'defect' }, error))
      .finally(() => {
        running.delete(work);
        // Nothing is left to wait for.
        if (running.size === 0 && !keepsWaiting) receiving?.abort();
      });
    running.add(work);
  }

  /** Gives back what follows a message that was not acked: in a group, nothing may overtake it. */
  async function deliverChain([batch, ...rest]: Chain<ReceivedMessage>): Promise<void> {
    const isDone = await deliverBatch(batch!);
    if (rest.length === 0) return;
    if (isDone && (await mayBegin())) return deliverChain(rest);
    await giveBack(rest.flat());
  }

  /** Returns whether all messages were acked. */
  async function deliverBatch(batch: ReceivedMessage[]): Promise<boolean> {
    const [to, startedAt] = [target, clock.now()];
    const outcome = await deliver(to, batch, ending);
    // What an earlier URL or function answered says nothing about the target that was put since.
    if (to.version === target.version) noteOutcome(outcome, startedAt);
    await held.settle(outcome, queue);
    return outcome.done.length === batch.length;
  }

  async function giveBack(messages: readonly ReceivedMessage[]): Promise<void> {
    await held.settle({ done: [], failed: [], unhandled: messages, target: undefined }, queue);
  }

  /** Whether another delivery may begin now. */
  async function mayBegin(): Promise<boolean> {
    const ended = await refresh().catch((): Drained => 'failed');
    const now = clock.now();
    return ended === undefined && isDeliverable({ ...target, circuit }, now) && !signal.aborted && now < until;
  }

  function noteOutcome({ target: said }: Outcome, startedAt: number): void {
    if (said === undefined) return;
    const now = clock.now();
    const next =
      said === 'works'
        ? afterSuccess(circuit)
        : 'ended' in said
          ? afterEnd(circuit, said.ended, now)
          : afterFailure(circuit, said, startedAt, now);
    if (next === circuit) return;
    logChange(log, first, circuit, next);
    circuit = next;
    const of = target;
    saving = saving.then(() => records.saveCircuit(of, holder, next)).catch(ignoreStoreError);
  }

  /** Resolves when a delivery has ended, or the hold should be renewed. */
  async function untilOneEnds(): Promise<void> {
    const waiting = new AbortController();
    const pause = clock.sleep(renewMs, waiting.signal).catch(() => undefined);
    await Promise.race([...running, pause]);
    waiting.abort();
  }

  async function deliverAll(): Promise<Drained> {
    if (inHand.length > 0) take(inHand);
    for (;;) {
      const ended = await refresh();
      if (ended) return ended;
      const now = clock.now();
      const allowance = target.terms.paused ? 'none' : allowed(circuit, now);
      if (allowance === 'none') return 'resting';
      if (signal.aborted || now >= until) return 'over';
      if (filling && filling.until <= now) flush();
      const slots = allowance === 'probe' ? 1 : target.terms.maxConcurrency;
      while (running.size < slots && ready.length > 0) start(ready.shift()!);
      const free = slots - running.size;
      if (free <= 0 || (running.size > 0 && held.bytes() >= targetBytesMax)) {
        await untilOneEnds();
        continue;
      }
      const room = allowance === 'probe' ? 1 : free * target.terms.batchSize - (filling?.messages.length ?? 0);
      const waitMs = filling ? filling.until - now : keepsWaiting || running.size > 0 ? receiveWaitSeconds * 1000 : 0;
      const waitSeconds = Math.min(receiveWaitSeconds, Math.ceil(Math.min(waitMs, until - now) / 1000));
      const received = await receive(Math.min(batchEntriesMax, room), waitSeconds);
      if (received === undefined) return 'gone';
      if (received.length > 0) take(received);
      else if (!keepsWaiting && !filling && running.size === 0) return 'empty';
    }
  }

  const drained = await deliverAll().catch((error: unknown): Drained => {
    if (error instanceof DumbwaiterError && error.code === 'queue_not_found') return 'gone';
    if (error instanceof StoreError || error instanceof DumbwaiterError) {
      log.warn('A call for a target failed', { ...named, kind: 'push_call_failed', call: 'receive', reason: error.message });
    } else log.error('A target could not be served', { ...named, kind: 'defect' }, error);
    return 'failed';
  });
  flush();
  await giveBack(ready.flat(2));
  while (running.size > 0) {
    await untilOneEnds();
    await renew().catch(ignoreStoreError);
  }
  held.stop();
  await saving;
  return drained;
}

/** One line for each change of state, for alarms. */
function logChange(log: Log, { target: { queue, name } }: Found, before: Circuit, after: Circuit): void {
  const wasDown = before.broken !== undefined || before.hasEnded === true;
  if (after.hasEnded || (after.broken && !before.broken)) {
    const state = after.hasEnded ? 'ended' : 'broken';
    const fields = { kind: 'target_failed', queue, target: name, state, failures: after.failures };
    log.warn('A target failed', { ...fields, reason: after.error?.message });
  } else if (wasDown && !after.broken && !after.hasEnded) {
    log.info('A target recovered', { kind: 'target_recovered', queue, target: name });
  }
}
