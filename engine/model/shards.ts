/**
 * Shards: the partitions over which a queue's messages are spread, in `messages` and in the index of `leases`. A shard's key holds the
 * queue's incarnation, the shard's number and, above 0, the level of priority: each level has heads of its own.
 */
import { priorityLevelsMax } from '../../contract/limits.ts';
import type { Random } from '../port/port.ts';
import { incarnationChars, type QueueRecord } from './queue-record.ts';

export function shardKey({ incarnation }: Pick<QueueRecord, 'incarnation'>, shard: number, level = 0): string {
  return level === 0 ? `${incarnation}:${shard}` : `${incarnation}:${shard}.${level}`;
}

/** The number of a shard to publish to, or to move to: any of them. */
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

/** The level of a message: its priority, though the queue where it is may have no such level. */
export function priorityLevelOf({ shard, level }: { shard: string; level?: number }): number {
  return level ?? levelOf(shard);
}

/** Where a message of this level lies in a queue, and what its row notes where the queue has no such level. */
export function placeAt(queue: QueueRecord, shard: number, level: number): { shard: string; level?: number } {
  const there = levelIn(queue, level);
  return { shard: shardKey(queue, shard, there), ...(there === level ? {} : { level }) };
}

/** A level that the queue has now: the one asked for, or its highest. */
export function levelIn(queue: QueueRecord, level: number): number {
  return Math.min(level, (queue.priority?.levels ?? 1) - 1);
}

/** Where prepared messages lie: a partition of the index of `leases` that no receive looks at. */
export function preparedKey({ incarnation }: Pick<QueueRecord, 'incarnation'>, shard: number): string {
  return `${incarnation}:${shard}p`;
}

/** The partitions of prepared messages, of a queue that ever had any. */
export function preparedPartitionsOf(queue: QueueRecord): string[] {
  return queue.hasPrepared ? Array.from({ length: queue.shardsVisited }, (_, shard) => preparedKey(queue, shard)) : [];
}

/** The partitions of one shard, the most urgent level first. */
export function levelsOf(queue: QueueRecord, shard: number): string[] {
  return Array.from({ length: queue.levelsVisited }, (_, index) => shardKey(queue, shard, queue.levelsVisited - 1 - index));
}

/** All partitions in which messages of the queue may be. */
export function partitionsOf(queue: QueueRecord): string[] {
  return Array.from({ length: queue.shardsVisited }, (_, shard) => levelsOf(queue, shard)).flat();
}

/** Partitions numbered, for cursors: a number means the same partition when the queue has more shards or levels by then. */
export function partitionAt(queue: QueueRecord, place: number): string {
  return shardKey(queue, Math.floor(place / priorityLevelsMax), priorityLevelsMax - 1 - (place % priorityLevelsMax));
}

/** The number of the first partition, or of the one that follows; undefined after the last. */
export function nextPlace(queue: QueueRecord, place = -1): number | undefined {
  const idle = priorityLevelsMax - queue.levelsVisited;
  const next = place + 1 + Math.max(0, idle - ((place + 1) % priorityLevelsMax));
  return next < queue.shardsVisited * priorityLevelsMax ? next : undefined;
}
