/**
 * The order in which a receive looks for messages: level by level of priority, and in each from a random shard on. The first look is at
 * one partition, since that is mostly enough. Each later one is at many side by side: so a receive that finds little takes little longer.
 */

import type { QueueRecord } from '../model/queue-record.ts';
import { shardKey } from '../model/shards.ts';
import type { Random } from '../port/port.ts';

/** Partitions of the first looks, which stay within one level; and of each look after them. */
const firstLooks = [1, 8];
const partitionsAtOnce = 124;
/** Partitions of one receive. Of a queue with more, it looks at those that come first, and at some of the others by chance. */
const partitionsMax = 1024;
const byChance = 256;

export interface Partition {
  shard: string;
  /** Its place among the levels: 0 comes first. */
  rank: number;
}

/** What a receive looks at, one look after the other. */
export function looksOf(queue: QueueRecord, random: Pick<Random, 'number'>): Partition[][] {
  return inLooks(partitionsInTurn(queue, random), firstLooks);
}

/** Partitions in looks of so many each. */
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

/** The highest first; weighted, each comes next with a chance of its number and one more, among those that are left. */
export function levelsInTurn({ priority, levelsVisited }: QueueRecord, random: Pick<Random, 'number'>): number[] {
  const left = Array.from({ length: levelsVisited }, (_, index) => levelsVisited - 1 - index);
  if (priority?.order !== 'weighted') return left;
  const turn: number[] = [];
  while (left.length > 0) {
    let rest = random.number() * left.reduce((sum, level) => sum + level + 1, 0);
    let at = 0;
    while (at < left.length - 1 && rest >= left[at]! + 1) rest -= left[at++]! + 1;
    turn.push(...left.splice(at, 1));
  }
  return turn;
}
