/** Watches the queues for which consumers listen, and tells listeners when a receive may find something. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';

/** What a listener is told: messages are ready (0), or will be in so many ms. Told 0, it no longer listens. */
export type Tell = (inMs: number) => void;

export interface QueueWatch {
  /** Listens until told 0, or until the function that this returns is called. */
  listen(queue: string, tell: Tell): () => void;
}

export interface EndableWatch extends QueueWatch {
  /** Tells all listeners to receive: their queues are gone. */
  end(): void;
}

export interface QueueWatchParts {
  engine: Pick<Engine, 'nextDue' | 'onWakeup'>;
  clock: Clock;
  /** Whether other processes change the store too. Only a look each second notices them. */
  isShared: boolean;
  onError(error: unknown, queue: string): void;
}

/** Listeners that are told first, as many as a parcel has messages. The others are told if a look a second later still finds something. */
const toldFirst = 10;
const lookMs = 1_000;

interface Watched {
  listeners: Set<Tell>;
  /** Ends a wait of the watch, because something changed or no listener is left. */
  notify: () => void;
}

export function createQueueWatch({ engine, clock, isShared, onError }: QueueWatchParts): EndableWatch {
  const watched = new Map<string, Watched>();

  async function watch(queue: string, one: Watched): Promise<void> {
    const { listeners } = one;
    let isChanged = false;
    const end = engine.onWakeup(queue, () => {
      isChanged = true;
      one.notify();
    });
    // Looks tell only of what was not due before: a paused queue may have due messages for days.
    let wasDue = (await dueIn(queue)) === 0;
    let notTold: Tell[] = [];
    const tellReady = (tells: Tell[]) => {
      for (const tell of tells) if (listeners.delete(tell)) tell(0);
    };
    while (listeners.size > 0) {
      if (!isChanged) await notified(one, isShared || notTold.length > 0 ? lookMs : undefined);
      if (listeners.size === 0) break;
      const isNews = isChanged;
      isChanged = false;
      const inMs = await dueIn(queue);
      if (inMs === undefined || inMs > 0) notTold = [];
      if (inMs === 0 && !isNews) tellReady(notTold.splice(0));
      if (inMs === 0 && (isNews || !wasDue)) {
        const all = [...listeners];
        tellReady(all.slice(0, toldFirst));
        notTold = all.slice(toldFirst);
      }
      if (isNews && inMs !== undefined && inMs > 0) for (const tell of listeners) tell(inMs);
      wasDue = inMs === 0;
    }
    end();
    if (watched.get(queue) === one) watched.delete(queue);
  }

  async function notified(one: Watched, ms: number | undefined): Promise<void> {
    const waiting = new AbortController();
    one.notify = () => waiting.abort();
    if (ms !== undefined) await clock.sleep(ms, waiting.signal).catch(() => undefined);
    else await new Promise((resolve) => waiting.signal.addEventListener('abort', resolve, { once: true }));
    one.notify = () => undefined;
  }

  /** Undefined if nothing waits, or if that is unknown: a wake-up that is lost costs a consumer one poll interval. */
  async function dueIn(queue: string): Promise<number | undefined> {
    try {
      const { dueAt } = await engine.nextDue(queue);
      return dueAt === undefined ? undefined : Math.max(0, dueAt - clock.now());
    } catch (error) {
      // A receive says so, and the consumer need not wait for it.
      if (error instanceof DumbwaiterError && error.code === 'queue_not_found') return 0;
      onError(error, queue);
      return undefined;
    }
  }

  return {
    listen(queue, tell) {
      const one = watched.get(queue) ?? { listeners: new Set(), notify: () => undefined };
      one.listeners.add(tell);
      if (watched.get(queue) !== one) {
        watched.set(queue, one);
        void watch(queue, one);
      }
      return () => {
        one.listeners.delete(tell);
        if (one.listeners.size === 0) one.notify();
      };
    },
    end() {
      for (const one of watched.values()) {
        for (const tell of one.listeners) tell(0);
        one.listeners.clear();
        one.notify();
      }
    },
  };
}
