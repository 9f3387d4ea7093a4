/**
 * The settings of a queue and its bookkeeping, encoded as a row of `queues`, and the shards of its messages. Older rows lack newer
 * attributes, so `readQueue` needs a default for each attribute that is added.
 */
import type {
  Backoff,
  DeadLetter,
  Deduplication,
  GroupSettings,
  Idempotency,
  Keep,
  PreparedSettings,
  Priority,
  Queue,
  QueueLimits,
  QueueSettings,
} from '../../contract/contract.ts';
import { priorityLevelsMax, readToWriteMsMax, shardsIdleMs, targetsMax } from '../../contract/limits.ts';
import { settingsDefaults } from '../../contract/settings-defaults.ts';
import type { Key, Random, Range, Row, Value } from '../port/port.ts';

export const incarnationChars = 8;

export interface QueueRecord extends QueueSettings {
  name: string;
  /** New for each creation of a queue, and part of its shard keys: messages of a deleted queue never reappear in a new one. */
  incarnation: string;
  /** Messages are published to shards 0 to `shards` - 1, and may be in shards 0 to `shardsVisited` - 1. */
  shards: number;
  shardsVisited: number;
  /** The most shards that the queue ever had. A caller may send its own transaction long after it was given a shard. */
  shardsEver: number;
  shardsChangedAt: number;
  /** How long the number of shards must stay unchanged before some may be retired while messages still wait, ms. */
  shardsCalmMs: number;
  /** Priority levels in which messages may be: the most that the queue ever had. */
  levelsVisited: number;
  /** Whether the queue ever had the setting `prepared`. */
  hasPrepared: boolean;
  /** Whether entries for callers' own transactions were ever given out. Callers may send them at any time. */
  hasTransactions: boolean;
  /** See `queues/sleep.ts`, ms. */
  awakeUntil: number;
  asleepUntil?: number;
  /** Messages that entered the queue before this are gone, ms. */
  purgedBefore: number;
  /** Until then, groups may still rest by an earlier rate, lower than the current one, ms: see `receive/lifted-rests.ts`. */
  restsUntil: number;
  /** From then on, no message exists that was published under a longer retention, ms. */
  retentionBindsFrom: number;
  /** The subscription that owns the queue. */
  subscription?: QueueOwner;
  /** The subscriptions that deliver into the queue without owning it, by the incarnation of their topic. */
  feeds?: { [topicIncarnation: string]: { topic: string; name: string } };
  /** The latest receive that is recorded, ms. Recorded only for a subscription that ends without receives. */
  lastReceivedAt?: number;
  createdAt: number;
  updatedAt: number;
  version: string;
}

export interface QueueOwner {
  topic: string;
  topicIncarnation: string;
  name: string;
  /** The subscription ends after this many seconds without a receive or an extend. */
  expiresAfterSeconds?: number;
}

export function queueKey(name: string): Key {
  return { table: 'queues', kind: 'queue', name };
}

/** The key of a deleted queue's settings, kept until the sweep has removed the queue's rows. */
export function deletedKey(incarnation: string): Key {
  return { table: 'queues', kind: 'deleted', name: incarnation };
}

/** The kind of the rows of targets, to which messages are pushed. `functions/push/` writes them; they end with their queue. */
export const targetKind = 'target';

export function targetKey({ incarnation }: Pick<QueueRecord, 'incarnation'>, target: string): Key {
  return { table: 'queues', kind: targetKind, name: `${incarnation}/${target}` };
}

/** The range of a queue's targets: the character after `/` is `0`. It has room for those that several processes put at a time. */
export function targetsOf({ incarnation }: Pick<QueueRecord, 'incarnation'>): Range {
  return {
    table: 'queues',
    partition: targetKind,
    from: `${incarnation}/`,
    to: `${incarnation}0`,
    limit: 2 * targetsMax,
    consistent: true,
  };
}

export function queueRow(record: QueueRecord, kind: 'queue' | 'deleted' = 'queue'): Row {
  return { ...withoutNulls(record), kind, name: kind === 'queue' ? record.name : record.incarnation, queue: record.name };
}

/** A row cannot hold null: an absent attribute means null. */
function withoutNulls(settings: object): Row {
  const given = Object.entries(settings).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([name, value]) => [name, typeof value === 'object' ? withoutNulls(value) : value]));
}

/** Decodes an object. `absent`: the fields that are null if the row omits them. */
function object<T>(value: Value | undefined, absent: Partial<T> = {}): T | null {
  return value === undefined ? null : { ...absent, ...(value as T) };
}

/** The attribute as a field of the record, if the row has it. */
function optional<Name extends 'asleepUntil' | 'subscription' | 'feeds' | 'lastReceivedAt'>(
  name: Name,
  row: Row,
): Pick<QueueRecord, Name> {
  return (row[name] === undefined ? {} : { [name]: row[name] }) as Pick<QueueRecord, Name>;
}

export function readQueue(row: Row): QueueRecord {
  return {
    name: row.queue as string,
    incarnation: row.incarnation as string,
    shards: row.shards as number,
    shardsVisited: row.shardsVisited as number,
    shardsEver: (row.shardsEver as number | undefined) ?? (row.shardsVisited as number),
    shardsChangedAt: row.shardsChangedAt as number,
    shardsCalmMs: (row.shardsCalmMs as number | undefined) ?? shardsIdleMs,
    levelsVisited: (row.levelsVisited as number | undefined) ?? 1,
    visibilityTimeoutSeconds: row.visibilityTimeoutSeconds as number,
    delaySeconds: row.delaySeconds as number,
    retentionSeconds: (row.retentionSeconds as number | undefined) ?? null,
    deadLetter: object<DeadLetter>(row.deadLetter),
    backoff: object<Backoff>(row.backoff),
    priority: object<Priority>(row.priority),
    groups: object<GroupSettings>(row.groups, { ratePerSecond: null, deadLetters: 'apart' }),
    limits: object<QueueLimits>(row.limits, { concurrency: null, ratePerSecond: null }),
    deduplication: object<Deduplication>(row.deduplication, { windowSeconds: null }),
    prepared: object<PreparedSettings>(row.prepared, { checkBack: null }),
    hasPrepared: (row.hasPrepared as boolean | undefined) ?? false,
    hasTransactions: (row.hasTransactions as boolean | undefined) ?? false,
    awakeUntil: (row.awakeUntil as number | undefined) ?? 0,
    ...optional('asleepUntil', row),
    keep: object<Keep>(row.keep),
    idempotency: (row.idempotency as Idempotency | undefined) ?? settingsDefaults.idempotency,
    sqs: object<NonNullable<QueueSettings['sqs']>>(row.sqs),
    paused: (row.paused as boolean | undefined) ?? false,
    purgedBefore: row.purgedBefore as number,
    restsUntil: (row.restsUntil as number | undefined) ?? 0,
    retentionBindsFrom: (row.retentionBindsFrom as number | undefined) ?? Number.MAX_SAFE_INTEGER,
    ...optional('subscription', row),
    ...optional('feeds', row),
    ...optional('lastReceivedAt', row),
    createdAt: row.createdAt as number,
    updatedAt: row.updatedAt as number,
    version: row.version as string,
  };
}

export function describeQueue(record: QueueRecord): Queue {
  const names = Object.keys(settingsDefaults) as (keyof QueueSettings)[];
  const settings = Object.fromEntries(names.map((name) => [name, record[name]])) as unknown as QueueSettings;
  const { name, createdAt, updatedAt } = record;
  return { name, ...settings, createdAt: new Date(createdAt).toISOString(), updatedAt: new Date(updatedAt).toISOString() };
}

/** When the retention of a message that becomes ready at `visibleAt` ends, ms; undefined: never. */
export function retentionEndAfter(queue: QueueRecord, visibleAt: number): number | undefined {
  return queue.retentionSeconds === null ? undefined : visibleAt + queue.retentionSeconds * 1000;
}

/** The last instant at which a write may be sent that depends on a read begun at `readAt`. */
export function writeDeadline(readAt: number): { by: number } {
  return { by: readAt + readToWriteMsMax };
}

/**
 * The key of a shard, one of the partitions over which a queue's messages are spread, in `messages` and in the index of `leases`.
 * It holds the queue's incarnation, the shard number and the priority level, if above 0. Each level is its own partition.
 */
export function shardKey({ incarnation }: Pick<QueueRecord, 'incarnation'>, shard: number, level = 0): string {
  return level === 0 ? `${incarnation}:${shard}` : `${incarnation}:${shard}.${level}`;
}

/** A random shard to publish or move messages to. */
export function randomShard({ shards }: Pick<QueueRecord, 'shards'>, random: Pick<Random, 'number'>): number {
  return Math.floor(random.number() * shards);
}

export function incarnationOf(key: string): string {
  return key.slice(0, incarnationChars);
}

export function shardNumberOf(key: string): number {
  return Number.parseInt(key.slice(incarnationChars + 1), 10);
}

export function levelOf(key: string): number {
  const dot = key.indexOf('.');
  return dot < 0 ? 0 : Number(key.slice(dot + 1));
}

/** The priority level of a message, even if its current queue has no such level. */
export function priorityLevelOf({ shard, level }: { shard: string; level?: number }): number {
  return level ?? levelOf(shard);
}

/** The shard key for a message of this level. If the queue has no such level, `level` is the value to store in the row. */
export function placeAt(queue: QueueRecord, shard: number, level: number): { shard: string; level?: number } {
  const there = levelIn(queue, level);
  return { shard: shardKey(queue, shard, there), ...(there === level ? {} : { level }) };
}

/** The requested level, or the queue's highest level if that is lower. */
export function levelIn(queue: QueueRecord, level: number): number {
  return Math.min(level, (queue.priority?.levels ?? 1) - 1);
}

/** The partition of prepared messages in the index of `leases`. No receive reads it. */
export function preparedKey({ incarnation }: Pick<QueueRecord, 'incarnation'>, shard: number): string {
  return `${incarnation}:${shard}p`;
}

/** The partitions of prepared messages; none if the queue never had the setting `prepared`. */
export function preparedPartitionsOf(queue: QueueRecord): string[] {
  return queue.hasPrepared ? Array.from({ length: queue.shardsVisited }, (_, shard) => preparedKey(queue, shard)) : [];
}

/** The partitions of one shard, the most urgent level first. */
export function levelsOf(queue: QueueRecord, shard: number): string[] {
  return Array.from({ length: queue.levelsVisited }, (_, index) => shardKey(queue, shard, queue.levelsVisited - 1 - index));
}

/** All partitions that may hold messages of the queue. */
export function partitionsOf(queue: QueueRecord): string[] {
  return Array.from({ length: queue.shardsVisited }, (_, shard) => levelsOf(queue, shard)).flat();
}

/** The partition with this number, for cursors. A number keeps its meaning when the queue gets more shards or levels. */
export function partitionAt(queue: QueueRecord, place: number): string {
  return shardKey(queue, Math.floor(place / priorityLevelsMax), priorityLevelsMax - 1 - (place % priorityLevelsMax));
}

/** The number of the partition after `place`, or of the first; undefined after the last. */
export function nextPlace(queue: QueueRecord, place = -1): number | undefined {
  const idle = priorityLevelsMax - queue.levelsVisited;
  const next = place + 1 + Math.max(0, idle - ((place + 1) % priorityLevelsMax));
  return next < queue.shardsVisited * priorityLevelsMax ? next : undefined;
}
