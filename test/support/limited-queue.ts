/** A queue `q` with limits, and calls on it. */
import { expect } from 'vitest';
import type { QueueLimits, ReceivedMessage } from '../../contract/contract.ts';
import { clockMarginMs, readToWriteMsMax } from '../../contract/limits.ts';
import type { Key } from '../../engine/port/port.ts';
import type { DrivenEngine } from './driven-engine.ts';
import { ok } from './expected.ts';
import { range } from './range.ts';

/** How long after the end of its lease the permit of a dead consumer may last. */
export const permitGraceMs = readToWriteMsMax + 2 * clockMarginMs;

/** Whether the row holds the permits of a queue. */
export const isPermitRow = (key: Key) => 'id' in key && key.id.includes('!');

export const concurrencyOf = (concurrency: number): QueueLimits => ({ concurrency, ratePerSecond: null });
export const rateOf = (ratePerSecond: number): QueueLimits => ({ concurrency: null, ratePerSecond });

export function limitedQueue(driven: () => DrivenEngine) {
  const receive = async (input: object = {}) => driven().receive('q', input);
  return {
    receive,
    count: async (max = 100) => (await receive({ max })).length,
    ack: async (messages: readonly ReceivedMessage[]) => {
      expect(await driven().ack('q', messages)).toEqual(messages.map(() => ok));
    },
    /** Creates the queue and publishes messages one by one. */
    start: async (limits: QueueLimits, messages = 10, settings: object = {}) => {
      await driven().create('q', { visibilityTimeoutSeconds: 10, limits, ...settings });
      for (const body of range(messages)) await driven().send('q', body);
    },
  };
}
