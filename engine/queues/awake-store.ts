/**
 * The store through which the engine writes. Before it writes a row that the sweep may have to visit, it makes sure that the
 * queue is awake (`sleep.ts`). That costs nothing while the queue is known to be awake for long enough, and one write of its
 * settings otherwise. All processes together need one such write every few minutes, since each reads the settings that another
 * has written.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { awakeMs, readToWriteMsMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { bodyPartitionPrefix } from '../model/content-codec.ts';
import { incarnationOf } from '../model/queue-record.ts';
import { type Row, type Store, StoreError, type Write, type WriteOptions } from '../port/port.ts';
import { changeQueue } from './change-queue.ts';
import { awakened } from './sleep.ts';

/** With less time left than this, some calls extend the time that the queue is awake. */
const extendMs = awakeMs / 2;
/** With less time left than this, every call extends it. */
const extendMsLast = awakeMs / 4;
/** The share of calls that extend it in between: usually one process does so, rather than all at the same instant. */
const extendShare = 1 / 16;

/** Until when a queue is awake at least, by the settings that this process has read. */
interface Known {
  name: string;
  awakeUntil: number;
}

/** `context` returns the context whose store this is. */
export function createAwakeStore(inner: Store, context: () => Context): Store {
  const known = new Map<string, Known>();
  const extending = new Map<string, Promise<void>>();

  function learn(row: Row | undefined): void {
    if (row?.kind !== 'queue') return;
    const { incarnation, queue: name, awakeUntil } = row as { incarnation: string; queue: string; awakeUntil?: number };
    known.set(incarnation, { name, awakeUntil: Math.max(known.get(incarnation)?.awakeUntil ?? 0, awakeUntil ?? 0) });
  }

  /** Until when the queue is awake, if this process knows that it is for long enough. */
  function awakeUntil(incarnation: string): number | undefined {
    const until = known.get(incarnation)?.awakeUntil;
    return until !== undefined && until - context().clock.now() >= extendMs ? until : undefined;
  }

  /** Resolves when the queue is awake, to the last instant at which the write may be sent; undefined: no bound. */
  async function keepAwake(incarnation: string): Promise<number | undefined> {
    const ctx = context();
    if (!known.has(incarnation)) await ctx.settings.byIncarnation(incarnation);
    const before = known.get(incarnation);
    // There is no such queue any more. The sweep visits a deleted queue until no row is left.
    if (!before) return undefined;
    const left = before.awakeUntil - ctx.clock.now();
    if (left < extendMsLast || (left < extendMs && ctx.random.number() < extendShare)) {
      const running = extending.get(incarnation) ?? extend(ctx, incarnation, before.name);
      extending.set(incarnation, running);
      await running
        .finally(() => extending.delete(incarnation))
        .catch((error: unknown) => {
          // Ignore the failure if the queue is awake for long enough anyway.
          if (!(error instanceof StoreError) || left < readToWriteMsMax) throw error;
        });
    }
    return known.get(incarnation)?.awakeUntil;
  }

  async function extend(ctx: Context, incarnation: string, name: string): Promise<void> {
    try {
      const record = await changeQueue(ctx, name, (record, now) =>
        record.incarnation !== incarnation || record.awakeUntil - now >= extendMs ? record : awakened(record, now),
      );
      // The queue was deleted and created again under the same name.
      if (record.incarnation !== incarnation) known.delete(incarnation);
    } catch (error) {
      if (!(error instanceof DumbwaiterError) || error.code !== 'queue_not_found') throw error;
      known.delete(incarnation);
    }
  }

  async function awake(writes: readonly Pick<Write, 'key' | 'then'>[], options: WriteOptions = {}): Promise<WriteOptions> {
    const queues = new Set(writes.flatMap((write) => visitedQueueOf(write) ?? []));
    if (queues.size === 0) return options;
    try {
      const fences = await Promise.all([...queues].map((incarnation) => awakeUntil(incarnation) ?? keepAwake(incarnation)));
      const by = [options.by, ...fences].filter((fence) => fence !== undefined);
      return by.length === 0 ? options : { ...options, by: Math.min(...by) };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // The settings may have changed, but the write itself was not sent.
      throw new StoreError(`the queue could not be kept awake: ${error.message}`, 'no', error, 'throttled');
    }
  }

  return {
    ...inner,
    async get(keys, options) {
      const rows = await inner.get(keys, options);
      rows.forEach(learn);
      return rows;
    },
    async range(range, options) {
      const answer = await inner.range(range, options);
      if (range.table === 'queues') answer.rows.forEach(learn);
      return answer;
    },
    async write(write, options) {
      const written = await inner.write(write, await awake([write], options));
      learn(written.row);
      return written;
    },
    async writeAll(writes, options) {
      try {
        return await inner.writeAll(writes, await awake(writes, options));
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        return writes.map(() => error);
      }
    },
    transact: async (writes, options) => inner.transact(writes, await awake(writes, options)),
  };
}

/** The incarnation of the queue that the sweep must visit because of this write; undefined if there is none. */
function visitedQueueOf({ key, then }: Pick<Write, 'key' | 'then'>): string | undefined {
  if (key.table === 'queues' || 'remove' in then) return undefined;
  if (key.table === 'messages') return isShard(key.shard) ? incarnationOf(key.shard) : undefined;
  const shard =
    'put' in then ? then.put.expiry !== undefined && then.put.shard : then.set.find(([path]) => path[0] === 'shard')?.[1];
  return typeof shard === 'string' && isShard(shard) ? incarnationOf(shard) : undefined;
}

/** The partition of a group has no colon; that of offloaded bodies has one, and the sweep does not visit it. */
function isShard(partition: string): boolean {
  return partition.includes(':') && !partition.startsWith(bodyPartitionPrefix);
}
