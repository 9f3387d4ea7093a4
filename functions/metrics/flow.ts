/**
 * What happened in one queue, or to one topic, during a while: how many messages passed each step, and how long they waited and were handled.
 * Plain data, that adds up. `measured-engine.ts` counts it, `stats-rows.ts` stores it, `prometheus.ts` shows it.
 */

/** The steps that are counted, in messages; `emptyReceives` in calls. */
export const flowCounts = ['published', 'received', 'acked', 'failed', 'expired', 'deadLettered', 'emptyReceives'] as const;
export type FlowCount = (typeof flowCounts)[number];

/** The upper bounds, in seconds, by which times are counted. Longer times are counted beyond the last one. */
export const timeBounds = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400] as const;

/** `waiting`: from publish to first receive. `handling`: from receive to ack. */
export const flowTimes = ['waiting', 'handling'] as const;
export type FlowTime = (typeof flowTimes)[number];

/**
 * What is counted of publishes to a topic: messages; copies that subscriptions get, and that they do not get, because they do not match; and
 * messages that no subscription gets.
 */
export const topicCounts = ['published', 'delivered', 'filtered', 'unmatched'] as const;
export type TopicCount = (typeof topicCounts)[number];
export type TopicFlow = Record<TopicCount, number>;

export type Flow = Record<FlowCount, number> & Record<FlowTime, number[]>;

export function emptyFlow(): Flow {
  const times = () => Array.from({ length: timeBounds.length + 1 }, () => 0);
  const counts = Object.fromEntries(flowCounts.map((name) => [name, 0])) as Record<FlowCount, number>;
  return { ...counts, waiting: times(), handling: times() };
}

export function addTime(flow: Flow, which: FlowTime, seconds: number): void {
  const bucket = timeBounds.findIndex((bound) => seconds <= bound);
  flow[which][bucket < 0 ? timeBounds.length : bucket]!++;
}

export function emptyTopicFlow(): TopicFlow {
  return { published: 0, delivered: 0, filtered: 0, unmatched: 0 };
}

/** What adds up, member by member. */
export type Sums = Readonly<Record<string, number | readonly number[]>>;

export function sumOf<Kept extends Sums>(one: Kept, other: Kept): Kept {
  const sums = Object.entries<number | readonly number[]>(one).map(([name, value]) => {
    const added = other[name]!;
    if (typeof value === 'number') return [name, value + (added as number)];
    return [name, value.map((count, bucket) => count + ((added as readonly number[])[bucket] ?? 0))];
  });
  return Object.fromEntries(sums) as Kept;
}

/**
 * The time that this share of the messages took at most, in seconds: the upper bound of the bucket in which it lies, and the last bound for
 * longer times. Null if nothing was counted.
 */
export function percentile(buckets: readonly number[], share: number): number | null {
  const all = buckets.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  let seen = 0;
  const bucket = buckets.findIndex((count) => {
    seen += count;
    return seen >= all * share;
  });
  return timeBounds[Math.min(bucket, timeBounds.length - 1)]!;
}
