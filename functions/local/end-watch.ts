/** Watches messages for whose end clients wait. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import { type Clock, StoreError } from '../../engine/port/port.ts';

/** Calls `tell` once, when the message has ended or has left the queue, unless the function that this returns is called before. */
export type EndWatch = (queue: string, id: string, tell: () => void) => () => void;

export interface EndWatchParts {
  engine: Pick<Engine, 'onEnd' | 'call'>;
  clock: Pick<Clock, 'sleep'>;
  /** Whether other processes change the store too. Only a look each second notices them. */
  isShared: boolean;
}

const lookMs = 1_000;

export function createEndWatch({ engine, clock, isShared }: EndWatchParts): EndWatch {
  async function isOver(queue: string, id: string): Promise<boolean> {
    try {
      const message = await engine.call('getMessage', { queue, id }, {});
      return message.endedAt !== undefined || message.queue !== queue;
    } catch (error) {
      if (error instanceof DumbwaiterError && error.code !== 'unavailable') return true;
      if (error instanceof DumbwaiterError || error instanceof StoreError) return false;
      throw error;
    }
  }

  return (queue, id, tell) => {
    const ending = new AbortController();
    const stop = () => {
      stopListening();
      ending.abort();
    };
    const tellOnce = () => {
      if (ending.signal.aborted) return;
      stop();
      tell();
    };
    const stopListening = engine.onEnd(queue, id, tellOnce);
    const look = async () => {
      while (!ending.signal.aborted) {
        await clock.sleep(lookMs, ending.signal).catch(() => undefined);
        if (!ending.signal.aborted && (await isOver(queue, id))) tellOnce();
      }
    };
    if (isShared) void look();
    return stop;
  };
}
