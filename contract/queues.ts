/** What travels of queues: their settings, and how many messages they hold. Durations are whole seconds. */

export interface DeadLetter {
  /** The queue that takes the messages; it must exist, and must not lead back here. */
  queue: string;
  /** A message received this often without an ack is moved. */
  maxReceives: number;
}

/** The wait before try n+1 is `min(maxSeconds, minSeconds * factor^(n-1))`, of which the share `jitter` is random; n counts failures. */
export interface Backoff {
  minSeconds: number;
  maxSeconds: number;
  factor: number;
  jitter: number;
}

/** Levels of urgency: a message of a higher one is received before those of lower ones. */
export interface Priority {
  /** Messages have a priority of 0, the least urgent, to `levels` - 1. */
  levels: number;
  /** `strict`: always the highest first. `weighted`: level n comes first n + 1 times as often as level 0, so that none starves. */
  order: 'strict' | 'weighted';
}

/** How messages of a group are received; what `group` of a publish names. */
export interface GroupSettings {
  /** Leases that one group may have at a time. More than 1 gives up the order within it. */
  concurrency: number;
  /** What a message does that fails: `block` holds up its group until it is done or dead; `aside` leaves the group, and is tried by itself. */
  onFailure: 'block' | 'aside';
  /** Messages that one group gives a second, at the most; `null`: as many as are asked for. */
  ratePerSecond: number | null;
}

/** How much of a queue may be under way, whoever receives. */
export interface QueueLimits {
  /** Messages under a lease at a time, at the most; `null`: any number. */
  concurrency: number | null;
  /** Messages received a second, at the most, with a second's worth at once (one message at least); `null`: any number. */
  ratePerSecond: number | null;
}

/** What becomes of a publish whose `dedupKey` is taken. */
export interface Deduplication {
  /**
   * How long a key is taken from the publish that was accepted, though its message be done by then; it always is while its message waits
   * or is leased in this queue. `null`: no longer than that.
   */
  windowSeconds: number | null;
  /**
   * `ignore`: nothing. While the message waits, `replace`: the body and attributes take the place of its own; `debounce`: they do, and it
   * comes after the delay of this publish, counted from now.
   */
  onDuplicate: 'ignore' | 'replace' | 'debounce';
}

/**
 * How long an own id is taken. `live`: while its message lives. `acked`: and an hour after its ack, or as long as it is kept. `ended`: the same
 * after a cancel.
 */
export type Idempotency = 'live' | 'acked' | 'ended';

/** How long messages stay readable by id when they have ended; 0: not at all. */
export interface Keep {
  /** Those that were acked, with their results. */
  doneSeconds: number;
  /** Those that were given up: cancelled, or expired in a queue without dead-letter queue. */
  deadSeconds: number;
}

/** Where to ask what became of a prepared message: a URL to POST to, or a Lambda function to invoke. */
export type CheckBack = { url: string } | { functionName: string };

/** What becomes of prepared messages that are neither committed nor rolled back. */
export interface PreparedSettings {
  /** How long they may be prepared; the sweep sees to them within a minute. */
  timeoutSeconds: number;
  /** Whom to ask then, and again after each such time; `null`: nobody, and they are rolled back. */
  checkBack: CheckBack | null;
}

export interface QueueSettings {
  /** How long a received message is hidden unless the receive says otherwise. */
  visibilityTimeoutSeconds: number;
  /** How long a published message is hidden unless the publish says otherwise. */
  delaySeconds: number;
  /** How long a message may wait, counted from when it first becomes ready; fixed at publish. `null`: forever. */
  retentionSeconds: number | null;
  deadLetter: DeadLetter | null;
  /** How long a message that failed waits. Left out of a new queue: 1 s to 15 min, factor 2, jitter 0.5. `null`: not at all. */
  backoff: Backoff | null;
  priority: Priority | null;
  /** `null`: one lease at a time for each group, one that fails blocks its group, and any rate. */
  groups: GroupSettings | null;
  /** `null`: none. */
  limits: QueueLimits | null;
  /** `null`: no `dedupKey` is taken. */
  deduplication: Deduplication | null;
  /** `null`: no message is taken `prepared`. */
  prepared: PreparedSettings | null;
  /** `null`: what has ended is gone. */
  keep: Keep | null;
  /** How long an own id is taken: publishing under it again publishes nothing. */
  idempotency: Idempotency;
  /** While paused a queue takes messages and gives none; leases go on. */
  paused: boolean;
}

/** Settings as they are given: those left out are left to the operation, and fields left out of an object take their defaults. */
export type QueueSettingsInput = Partial<Omit<QueueSettings, keyof NestedSettingsInput>> & NestedSettingsInput;

/** What has no default must be given. */
interface NestedSettingsInput {
  deadLetter?: (Pick<DeadLetter, 'queue'> & Partial<DeadLetter>) | null;
  backoff?: Partial<Backoff> | null;
  priority?: (Pick<Priority, 'levels'> & Partial<Priority>) | null;
  groups?: Partial<GroupSettings> | null;
  limits?: Partial<QueueLimits> | null;
  deduplication?: Partial<Deduplication> | null;
  prepared?: Partial<PreparedSettings> | null;
  keep?: Partial<Keep> | null;
}

/** Messages by state. Exact unless `atLeast`: then the queue holds more rows than one call may read. */
export interface Counts {
  ready: number;
  delayed: number;
  leased: number;
  /** Dead-lettered into this queue, and waiting here. */
  dead: number;
  /** Neither committed nor rolled back. */
  prepared: number;
  /** How long the oldest ready or dead message has been waiting; `null` when none waits. */
  oldestAgeSeconds: number | null;
  atLeast: boolean;
}

export interface Queue extends QueueSettings {
  name: string;
  createdAt: string;
  updatedAt: string;
}
