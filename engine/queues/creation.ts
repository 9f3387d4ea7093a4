/** What creates and deletes a queue: its row, to be written alone or in the transaction that changes its subscription. */
import type { QueueSettings } from '../../contract/contract.ts';
import { awakeMs, shardsIdleMs } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Context } from '../context/context.ts';
import { deletedKey, incarnationChars, type QueueRecord, queueKey, queueRow } from '../model/queue-record.ts';
import type { Write } from '../port/port.ts';

export function newQueue(ctx: Context, name: string, settings: QueueSettings): QueueRecord {
  const now = ctx.clock.now();
  return {
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
    version: ctx.newVersion(),
  };
}

/** The first setting of those asked for that the queue has otherwise. */
export function differingSetting(there: QueueSettings, asked: Partial<QueueSettings>): string | undefined {
  const same = (a: unknown, b: unknown): boolean => {
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return names.every((name) => same((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]));
  };
  const names = Object.keys(settingsDefaults) as (keyof QueueSettings)[];
  return names.find((name) => asked[name] !== undefined && !same(there[name], asked[name]));
}

/**
 * The writes of a transaction that moves the record to the deleted queues. The record must be unchanged: the sweep would not know
 * of shards that were added since it was read.
 */
export function queueDeletion(record: QueueRecord, now: number): Write[] {
  const { name, incarnation, version } = record;
  return [
    { key: queueKey(name), when: { equals: [['version'], version] }, then: { remove: true } },
    { key: deletedKey(incarnation), then: { put: queueRow({ ...record, updatedAt: now }, 'deleted') } },
  ];
}
