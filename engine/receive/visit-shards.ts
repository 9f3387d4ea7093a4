/**
 * The order in which a receive visits partitions: level by level of priority, each level from a random shard on. The first look
 * reads one partition, which is usually enough. Each later look reads many side by side, so that a receive that finds little
 * takes little longer.
 */

import { type QueueRecord, shardKey } from '../model/queue-record.ts';
import type { Random } from '../port/port.ts';

/** Partitions in each of the first looks, which stay within one level. */
const firstLooks = [1, 8];
/** Partitions in each later look. */
const partitionsAtOnce = 124;
/**
 * Partitions that one receive visits. Of a queue with more, it visits the first ones, and `byChance` others from a random start.
 */
const partitionsMax = 1024;
const byChance = 256;

export interface Partition {
  shard: string;
  /** The position of its level: 0 is visited first. */
  rank: number;
}

/** The partitions that a receive visits, look by look. */
export function looksOf(queue: QueueRecord, random: Pick<Random, 'number'>): Partition[][] {
  return inLooks(partitionsInTurn(queue, random), firstLooks);
}

/** Divides partitions into looks. `firstLooks` gives the sizes of the first ones, which stay within one level. */
export function inLooks(partitions: readonly Partition[], firstLooks: readonly number[] = []): Partition[][] {
  const looks: Partition[][] = [];
  for (let at = 0; at < partitions.length; at += looks.at(-1)!.length) {
    const { rank } = partitions[at]!;
    const first = firstLooks[looks.length];
    const look = partitions.slice(at, at + (first ?? partitionsAtOnce));
    looks.push(first === undefined ? look : look.filter((one) => one.rank === rank));
  }
  return looks;
}

function partitionsInTurn(queue: QueueRecord, random: Pick<Random, 'number'>): Partition[] {
  const { shardsVisited } = queue;
  const all = levelsInTurn(queue, random).flatMap((level, rank) => {
    const first = Math.floor(random.number() * shardsVisited);
    return Array.from({ length: shardsVisited }, (_, index): Partition => {
      return { shard: shardKey(queue, (first + index) % shardsVisited, level), rank };
    });
  });
  if (all.length <= partitionsMax) return all;
  const last = all.splice(partitionsMax - byChance);
  const first = Math.floor(random.number() * last.length);
  const chosen = Array.from({ length: byChance }, (_, index) => last[(first + index) % last.length]!);
  return [...all, ...chosen.sort((one, other) => one.rank - other.rank)];
}

/** The levels, highest first. With weighted order they are drawn one by one; level n has the weight n + 1. */
export function levelsInTurn({ priority, levelsVisited }: QueueRecord, random: Pick<Random, 'number'>): number[] {
  const left = Array.from({ length: levelsVisited }, (_, index) => levelsVisited - 1 - index);
  if (priority?.order !== 'weighted') return left;
  const turn: number[] = [];
  while (left.length > 0) {
    let drawn = random.number() * left.reduce((sum, level) => sum + level + 1, 0);
    let at = 0;
    while (at < left.length - 1 && drawn >= left[at]! + 1) drawn -= left[at++]! + 1;
    turn.push(...left.splice(at, 1));
  }
  return turn;
}
