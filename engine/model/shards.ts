/**
 * Shards: the partitions over which a queue's messages are spread, in `messages` and in the index of `leases`. A shard key
 * holds the queue's incarnation, the shard number and the priority level, if above 0. Each level is its own partition.
 */
import { priorityLevelsMax } from '../../contract/limits.ts';
import type { Random } from '../port/port.ts';
import { incarnationChars, type QueueRecord } from './queue-record.ts';

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
