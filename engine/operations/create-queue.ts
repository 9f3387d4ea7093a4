/** Creates a queue. A repeat with the same settings changes nothing. With different settings it fails with `queue_exists`. */

import type { CheckedInputOf, Queue, QueueSettings } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { awakeMs, shardsIdleMs } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Context } from '../context/context.ts';
import { describeQueue, incarnationChars, type QueueRecord, queueKey, queueRow, readQueue } from '../model/queue-record.ts';
import { versionChars } from '../model/rows.ts';
import { StoreError } from '../port/port.ts';
import { checkDeadLetter } from '../queues/change-queue.ts';

export async function createQueue(ctx: Context, name: string, input: CheckedInputOf<'createQueue'>): Promise<Queue> {
  const settings: QueueSettings = { ...settingsDefaults, ...input };
  await checkDeadLetter(ctx, name, settings.deadLetter);
  const now = ctx.clock.now();
  const record: QueueRecord = {
    ...settings,
    name,
    incarnation: ctx.random.chars(incarnationChars),
    shards: 1,
    shardsVisited: 1,
    shardsEver: 1,
    shardsChangedAt: now,
    shardsCalmMs: shardsIdleMs,
    levelsVisited: settings.priority?.levels ?? 1,
    hasPrepared: settings.prepared !== null,
    hasTransactions: false,
    awakeUntil: now + awakeMs,
    purgedBefore: 0,
    restsUntil: 0,
    retentionBindsFrom: 0,
    createdAt: now,
    updatedAt: now,
    version: ctx.random.chars(versionChars),
  };
  const there = await put(ctx, record);
  ctx.settings.forget(name);
  if (there.version === record.version) return describeQueue(record);
  const different = differing(there, settings);
  if (different)
    throw new DumbwaiterError(
      'queue_exists',
      `queue: "${name}" already exists with a different ${different}; change it with PATCH`,
    );
  return describeQueue(there);
}

/** Returns the stored record: the new one, or the one that already existed. */
async function put(ctx: Context, record: QueueRecord): Promise<QueueRecord> {
  try {
    const written = await ctx.store.write({
      key: queueKey(record.name),
      when: { absent: ['name'] },
      then: { put: queueRow(record) },
    });
    return written.row ? readQueue(written.row) : record;
  } catch (error) {
    if (!(error instanceof StoreError) || error.applied === 'no') throw error;
    return ctx.settings.read(record.name);
  }
}

function differing(there: QueueSettings, asked: QueueSettings): string | undefined {
  const same = (a: unknown, b: unknown): boolean => {
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return names.every((name) => same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
  };
  return (Object.keys(settingsDefaults) as (keyof QueueSettings)[]).find((name) => !same(there[name], asked[name]));
}
