/**
 * Connections of API Gateway that listen for a queue, as rows of `queues`: a partition for each queue, a row for each connection. A row holds for
 * one wake-up, and no longer than API Gateway keeps a connection. Rows of connections that were closed before are removed when a wake-up
 * meets them, or by TTL.
 */
import { wakeConnectionMsMax } from '../../contract/limits.ts';
import { pagesOf } from '../../engine/port/pages.ts';
import type { Clock, Condition, Key, Store } from '../../engine/port/port.ts';
import type { Listening } from './listen.ts';

/** A message that was published under its caller's own id. */
export interface OwnMessage {
  incarnation: string;
  id: string;
}

export interface ListenerRow {
  connection: string;
  queue: string;
  /** The principal whose key listens. */
  by: string;
}

export interface ListenerRows {
  put(connection: string, listening: Listening): Promise<void>;
  /** Removes and returns the rows that wait for the end of these messages. A message has one at most: the latest. */
  takeEnds(messages: readonly OwnMessage[]): Promise<(ListenerRow & OwnMessage)[]>;
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

/** In a partition of its own, so that the listeners of a queue are read without these. */
function endKeyOf({ incarnation, id }: OwnMessage): Key & { table: 'queues' } {
  return { table: 'queues', kind: `${wakeKind}${incarnation}:ends`, name: id };
}

export function createListenerRows({ store, clock }: { store: Store; clock: Clock }): ListenerRows {
  return {
    async put(connection, { incarnation, queue, id, principal }) {
      const key = id === undefined ? keyOf(incarnation, connection) : endKeyOf({ incarnation, id });
      const { kind, name } = key as { kind: string; name: string };
      const until = clock.now() + wakeConnectionMsMax;
      const row = { kind, name, connection, queue, by: principal.id, until, ttl: Math.ceil(until / 1000) };
      await store.write({ key, then: { put: row } });
    },
    async takeEnds(messages) {
      const rows = messages.length > 0 ? await store.get(messages.map(endKeyOf)) : [];
      const taken = rows.map(async (row, index) => {
        const message = messages[index]!;
        if (!row || (row.until as number) <= clock.now()) return [];
        const connection = row.connection as string;
        const when: Condition = { equals: [['connection'], connection] };
        const { ok } = await store.write({ key: endKeyOf(message), when, then: { remove: true } });
        return ok ? [{ ...message, connection, queue: row.queue as string, by: row.by as string }] : [];
      });
      return (await Promise.all(taken)).flat();
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
