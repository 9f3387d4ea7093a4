/**
 * Types of queues: their settings, and how many messages they hold. Durations are whole seconds. Defaults are in
 * settings-defaults.ts.
 */
import type { QueueStatsPoint } from './stats.ts';

export interface DeadLetter {
  /** The queue that takes the messages. It must exist, and its dead-letter queues must not lead back to this queue. */
  queue: string;
  /** A message that was received this often without an ack is moved. 1 to 1,000; default 5. */
  maxReceives: number;
}

/** The wait after failure n is `min(maxSeconds, minSeconds * factor^(n-1))`. The share `jitter` of it is random. */
export interface Backoff {
  minSeconds: number;
  maxSeconds: number;
  factor: number;
  jitter: number;
}

/** Priority levels: a message of a higher level is received before messages of lower levels. */
export interface Priority {
  /** 1 to 10. Messages have a priority from 0, the least urgent, to `levels` - 1. */
  levels: number;
  /**
   * `strict`: always the highest first. `weighted`: level n comes first n + 1 times as often as level 0, so that no level
   * starves. Default `strict`.
   */
  order: 'strict' | 'weighted';
}

/** How messages of a group are received. A publish names its group with `group`. */
export interface GroupSettings {
  /** Leases that one group may have at a time, 1 to 32. More than 1 gives up the order within the group. Default 1. */
  concurrency: number;
  /**
   * What happens to a message that fails. `block`: its group waits until the message is done or dead. `aside`: the message
   * leaves the group and is retried separately. Default `block`.
   */
  onFailure: 'block' | 'aside';
  /** Messages per second that one group delivers at most, 0.001 to 1,000. Default `null`: no limit. */
  ratePerSecond: number | null;
  /**
   * How dead letters of groups are received from this queue. `apart`: each by its age. `ordered`: as messages of their group, in the
   * order in which they died. Default `apart`.
   */
  deadLetters: 'apart' | 'ordered';
}

/** Limits of a queue over all its receivers. */
export interface QueueLimits {
  /** Messages under a lease at a time, at most; 1 to 1,000. Default `null`: no limit. */
  concurrency: number | null;
  /**
   * Messages received per second, at most; 0.001 to 10,000. One receive may take a second's worth at once, or one message.
   * Default `null`: no limit.
   */
  ratePerSecond: number | null;
}

/** What happens to a publish whose `dedupKey` is taken. */
export interface Deduplication {
  /**
   * How long a key stays taken after the accepted publish, even if its message is already done; 1 s to 365 days. A key is
   * always taken while its message waits or is leased in this queue. Default `null`: no longer than that.
   */
  windowSeconds: number | null;
  /**
   * `ignore`: the publish does nothing. While the message waits, `replace` replaces its body and attributes. `debounce` does
   * the same, and restarts the delay: that of this publish, counted from now. Default `ignore`.
   */
  onDuplicate: 'ignore' | 'replace' | 'debounce';
}

/**
 * How long an id chosen by the caller stays taken. `live`: while its message lives. `acked`: also for an hour after its ack, or
 * as long as the message is kept. `ended`: the same after a cancel too.
 */
export type Idempotency = 'live' | 'acked' | 'ended';

/** How long ended messages stay readable by id, 0 s to ten years. 0, the default: not at all. */
export interface Keep {
  /** Acked messages, with their results. */
  doneSeconds: number;
  /** Messages that were cancelled, or that expired in a queue without a dead-letter queue. */
  deadSeconds: number;
}

/** Where the queue asks whether to commit or roll back a prepared message: a URL to POST to, or a Lambda function to invoke. */
export type CheckBack = { url: string } | { functionName: string };

/** What happens to prepared messages that are neither committed nor rolled back. */
export interface PreparedSettings {
  /** How long a message may stay prepared, 1 s to 30 days. The sweep handles the time-out within a minute. Default 300. */
  timeoutSeconds: number;
  /**
   * What to ask after the time-out, and again after each further one. Default `null`: nothing is asked, and the message is
   * rolled back.
   */
  checkBack: CheckBack | null;
}

/** What clients of SQS may do with a queue. */
export interface SqsSettings {
  /** Whether the queue's own limits count in the SQS API, in place of the limits of SQS. Default false. */
  extended: boolean;
}

export interface QueueSettings {
  /** How long a received message is hidden unless the receive gives a time, 0 s to 365 days. Default 30. */
  visibilityTimeoutSeconds: number;
  /** How long a published message is hidden unless the publish gives a delay, 0 s to ten years. Default 0. */
  delaySeconds: number;
  /**
   * How long a message may wait, counted from when it first becomes ready; fixed at publish. 60 s to ten years; default 14
   * days. `null`: forever.
   */
  retentionSeconds: number | null;
  deadLetter: DeadLetter | null;
  /** How long a message waits after a failure. Default: 1 s to 15 min, factor 2, jitter 0.5. `null`: not at all. */
  backoff: Backoff | null;
  priority: Priority | null;
  /** `null`: one lease at a time for each group, a failed message blocks its group, and no rate limit. */
  groups: GroupSettings | null;
  /** `null`: no limits. */
  limits: QueueLimits | null;
  /** `null`: publishes with a `dedupKey` are refused. */
  deduplication: Deduplication | null;
  /** `null`: publishes with `prepared` are refused. */
  prepared: PreparedSettings | null;
  /** `null`: ended messages are not kept. */
  keep: Keep | null;
  /** How long an id chosen by the caller stays taken. While it is taken, publishing under it publishes nothing. Default `acked`. */
  idempotency: Idempotency;
  /** `null`: clients of SQS have the limits of SQS. */
  sqs: SqsSettings | null;
  /** A paused queue accepts messages and delivers none. Existing leases continue. Default false. */
  paused: boolean;
}

/**
 * Settings as the caller gives them. A missing setting gets its default on create and stays as it is on update. A missing field
 * of an object gets its default.
 */
export type QueueSettingsInput = Partial<Omit<QueueSettings, keyof NestedSettingsInput>> & NestedSettingsInput;

/** Fields without a default are required. */
interface NestedSettingsInput {
  deadLetter?: (Pick<DeadLetter, 'queue'> & Partial<DeadLetter>) | null;
  backoff?: Partial<Backoff> | null;
  priority?: (Pick<Priority, 'levels'> & Partial<Priority>) | null;
  groups?: Partial<GroupSettings> | null;
  limits?: Partial<QueueLimits> | null;
  deduplication?: Partial<Deduplication> | null;
  prepared?: Partial<PreparedSettings> | null;
  keep?: Partial<Keep> | null;
  sqs?: Partial<SqsSettings> | null;
}

/** Messages by state. Exact unless `atLeast` is true: then the queue holds more rows than one call may read. */
export interface Counts {
  ready: number;
  delayed: number;
  leased: number;
  /** Dead-lettered into this queue and waiting in it. */
  dead: number;
  /** Neither committed nor rolled back. */
  prepared: number;
  /** How long the oldest ready or dead message has waited; `null` when none waits. */
  oldestAgeSeconds: number | null;
  atLeast: boolean;
}

export interface Queue extends QueueSettings {
  name: string;
  createdAt: string;
  updatedAt: string;
}

/** A queue in a list; with `counts` and `lastHour` if the list was asked for them. */
export type ListedQueue = Queue & { counts?: Counts; lastHour?: QueueStatsPoint[] };
