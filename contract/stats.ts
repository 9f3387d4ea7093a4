/** Types of statistics: what happened in a queue, or to a topic. Instants are RFC 3339 with milliseconds. */

export interface StatsInput {
  /** The first instant. Default: a day before `until`. */
  from?: string;
  /** The last instant. Default: now. */
  until?: string;
  /** The length of each point, a multiple of 600 s, at most a day. Default 600. */
  stepSeconds?: number;
}

/** Times that half, 95 and 99 of 100 messages did not exceed, in seconds, rounded up to one of 14 bounds from 0.01 s to a day. */
export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** What happened in a queue from `at` for one step, as far as its processes have reported: each does so once a minute. */
export interface QueueStatsPoint {
  at: string;
  /** Messages that were published here. Those of a topic, of a schedule, of a redrive and of a transaction of the caller's own are not counted. */
  published: number;
  received: number;
  acked: number;
  /** Releases with `failed`. Leases that expired are not counted. */
  failed: number;
  /** Removed at the end of their retention. */
  expired: number;
  deadLettered: number;
  emptyReceives: number;
  /** Messages that the last sweep of the step saw waiting, as far as it looked. `null`: it saw none. */
  waiting: number | null;
  /** How long the oldest of them had waited. */
  oldestAgeSeconds: number | null;
  /** From publish to first receive. `null`: nothing was received. */
  waitingSeconds: Percentiles | null;
  /** From receive to ack, where one process did both. */
  handlingSeconds: Percentiles | null;
}

/** What was published to a topic from `at` for one step, as far as its processes have reported. */
export interface TopicStatsPoint {
  at: string;
  /** Messages that were published. Those of a transaction of the caller's own are not counted; prepared ones count when they are committed. */
  published: number;
  /** Copies of them that subscriptions get. */
  delivered: number;
  /** Copies that subscriptions do not get, because they do not match. */
  filtered: number;
  /** Messages that no subscription gets. */
  unmatched: number;
  /** Publishes that the last sweep of the step saw on their way to subscriptions. `null`: it saw none. */
  undelivered: number | null;
  /** How long sweeps had found the oldest of them unfinished. */
  oldestAgeSeconds: number | null;
}
