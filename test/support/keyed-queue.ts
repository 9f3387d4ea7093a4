/** A queue `q` with deduplication, and calls on it with the key `k`. */
import type { Deduplication, PublishEntry } from '../../contract/contract.ts';
import type { DrivenEngine } from './driven-engine.ts';

export const accepted = { ok: true, id: '@k' };
export const duplicate = { ...accepted, duplicate: true };

export function keyedQueue(driven: () => DrivenEngine) {
  return {
    create: (windowSeconds: number | null, onDuplicate: Deduplication['onDuplicate'] = 'ignore', more = {}) =>
      driven().create('q', { deduplication: { windowSeconds, onDuplicate }, ...more }),
    send: async (...entries: PublishEntry[]) =>
      (await driven().call('publish', 'q', { messages: entries.map((entry) => ({ dedupKey: 'k', ...entry })) })).results,
    /** Receives and acks, and returns the bodies. */
    drain: async () => {
      const messages = await driven().receive('q');
      await driven().ack('q', messages);
      return messages.map(({ body }) => body);
    },
    get: (id: string, queue = 'q') => driven().engine.call('getMessage', { queue, id }, {}),
  };
}
