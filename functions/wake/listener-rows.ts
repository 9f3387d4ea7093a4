/**
 * Connections of API Gateway that listen for a queue, as rows of `queues`: a partition for each queue, a row for each connection. A row holds for
 * one wake-up, and no longer than API Gateway keeps a connection. Rows of connections that were closed before are removed when a wake-up
 * meets them, or by TTL.
 */
import { wakeConnectionMsMax } from '../../contract/limits.ts';
import { pagesOf } from '../../engine/port/pages.ts';
import type { Clock, Key, Store } from '../../engine/port/port.ts';
import type { Listening } from './listen.ts';

export interface ListenerRow {
  connection: string;
  queue: string;
  /** The principal whose key listens. */
  by: string;
}

export interface ListenerRows {
  put(connection: string, listening: Listening): Promise<void>;
  /** Rows of a queue, in pages of at most `limit`. */
  pages(incarnation: string, limit: number): AsyncGenerator<ListenerRow[]>;
  /** Whether this call removed the row: of several that try, one does. */
  remove(incarnation: string, connection: string): Promise<boolean>;
}

/** The prefix of the kinds of these rows. */
export const wakeKind = 'wake:';

function keyOf(incarnation: string, connection: string): Key & { table: 'queues' } {
  return { table: 'queues', kind: `${wakeKind}${incarnation}`, name: connection };
}

export function createListenerRows({ store, clock }: { store: Store; clock: Clock }): ListenerRows {
  return {
    async put(connection, { incarnation, queue, principal }) {
      const key = keyOf(incarnation, connection);
      const until = clock.now() + wakeConnectionMsMax;
      const row = { kind: key.kind, name: connection, queue, by: principal.id, until, ttl: Math.ceil(until / 1000) };
      await store.write({ key, then: { put: row } });
    },
    async *pages(incarnation, limit) {
      const { kind: partition } = keyOf(incarnation, '');
      for await (const rows of pagesOf(store, { table: 'queues', partition, limit, consistent: true })) {
        const now = clock.now();
        yield rows.flatMap(({ name, queue, by, until }) =>
          (until as number) > now ? [{ connection: name as string, queue: queue as string, by: by as string }] : [],
        );
      }
    },
    async remove(incarnation, connection) {
      const key = keyOf(incarnation, connection);
      return (await store.write({ key, when: { exists: ['kind'] }, then: { remove: true } })).ok;
    },
  };
}
