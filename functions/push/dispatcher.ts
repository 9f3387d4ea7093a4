/**
 * Delivers to targets. A process holds a target while it does, so that `maxConcurrency` and the circuit hold over all processes, and
 * batches fill up. What wakes a dispatcher (a stream, the sweep, a loop on a server) may come late or twice.
 */
import type { ReceivedMessage } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { targetHeldMs } from '../../contract/limits.ts';
import { ignoreStoreError } from '../../engine/port/port.ts';
import { type Drained, type DrainOptions, type DrainParts, drainTarget } from './drain.ts';
import { leaseSecondsOf } from './held-messages.ts';
import { giveBackTo, receiveFor } from './receive-for.ts';
import { isDeliverable, type TargetId } from './target-records.ts';

/** How long deliveries in progress may take after the process was told to stop. */
const stopMs = 5_000;
const holderChars = 12;

export interface DispatchOptions extends Pick<DrainOptions, 'until' | 'signal' | 'keepsWaiting'> {
  /** When deliveries in progress are aborted, and their messages given back, ms. Default: only after the signal. */
  endsAt?: number;
  /** Who holds the target. Default: a random text, which no other process has. */
  holder?: string;
}

export interface Dispatcher {
  /** Delivers until the queue is empty, the time is over or the target rests. `held`: another process does it. Throws StoreError. */
  drain(id: TargetId, options: DispatchOptions): Promise<Drained | 'held'>;
  /** Drains all targets of the queue. A failure of one ends no other: Lambda stops the process as soon as this rejects. */
  drainQueue(queue: string, options: DispatchOptions): Promise<(Drained | 'held')[]>;
}

export function createDispatcher(parts: DrainParts): Dispatcher {
  const { engine, records, clock, random } = parts;

  /** Returns a signal that aborts at `endsAt`, and `stopMs` after the process was told to stop. */
  function endingOf({ signal, endsAt }: DispatchOptions): { ending: AbortSignal; done: () => void } {
    const [ending, done] = [new AbortController(), new AbortController()];
    const abortAfter = (ms: number) => {
      clock.sleep(ms, done.signal).then(
        () => ending.abort(),
        () => undefined,
      );
    };
    const stop = () => abortAfter(stopMs);
    if (endsAt !== undefined) abortAfter(Math.max(0, endsAt - clock.now()));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    return {
      ending: ending.signal,
      done() {
        signal.removeEventListener('abort', stop);
        done.abort();
      },
    };
  }

  /** At most one message. None if the queue is gone, or was created again under its name. */
  async function lookOnce(id: TargetId, visibilityTimeoutSeconds: number): Promise<ReceivedMessage[]> {
    try {
      return (await receiveFor(engine, id, { visibilityTimeoutSeconds })) ?? [];
    } catch (error) {
      if (error instanceof DumbwaiterError) return [];
      throw error;
    }
  }

  async function drain(id: TargetId, options: DispatchOptions): Promise<Drained | 'held'> {
    const { holder = random.chars(holderChars) } = options;
    const { ending, done } = endingOf(options);
    let inHand: ReceivedMessage[] = [];
    try {
      for (;;) {
        const target = await records.hold(id, holder, clock.now() + targetHeldMs);
        if (!target) {
          await giveBackTo(engine, id.queue, inHand);
          return 'held';
        }
        const found = await records.read(id);
        let drained: Drained = found ? 'resting' : 'gone';
        if (found && isDeliverable(found.target, clock.now())) {
          drained = await drainTarget(parts, found, holder, inHand, { ...options, ending });
        } else await giveBackTo(engine, id.queue, inHand);
        await records.endHold(id, holder).catch(ignoreStoreError);
        if (drained !== 'empty' || options.signal.aborted) return drained;
        // A process that was woken while the target was held has left its messages to this one: look once more.
        inHand = await lookOnce(id, leaseSecondsOf(found!.queue));
        if (inHand.length === 0) return 'empty';
      }
    } finally {
      done();
    }
  }

  async function drainQueue(queue: string, options: DispatchOptions): Promise<(Drained | 'held')[]> {
    const { targets = [] } = (await records.ofQueue(queue)) ?? {};
    const drains = targets.map((target) => drain(target, options));
    await Promise.allSettled(drains);
    return Promise.all(drains);
  }

  return { drain, drainQueue };
}
