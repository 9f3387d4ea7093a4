/** What travels: queues, messages, redrive tasks and keys. Instants are RFC 3339 with milliseconds; durations are whole seconds. */
import type { ErrorCode } from './errors.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Attributes = Record<string, string | number>;

// --- Queues ---

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
  /** While paused a queue takes messages and gives none; leases go on. */
  paused: boolean;
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

// --- Messages ---

/** A message's content: `body`, any JSON value, or `bodyBase64`, bytes. Exactly one. */
export interface PublishEntry {
  body?: Json;
  bodyBase64?: string;
  /** The caller's own id. While a message of this id exists in the queue or is kept, and an hour beyond its end, publishing it again publishes nothing. */
  id?: string;
  delaySeconds?: number;
  /** When it can first be received, in place of `delaySeconds`; an instant past is now. */
  deliverAt?: string;
  /** 0, the default, to one less than the queue's levels; the highest is received first. */
  priority?: number;
  /** Messages of one group are received in the order of publishing, one lease at a time. Not with an id, a delay or a priority. */
  group?: string;
  /** Among messages of one key one is accepted at a time: the queue's `deduplication` says for how long. Its id is `@` and the key. */
  dedupKey?: string;
  /** Received by nobody until it is committed. */
  prepared?: boolean;
  attributes?: Attributes;
}

/** What to change of a message that waits; the rest stays. A new body takes the place of the old, and its `attributes` with it only if given. */
export interface MessageChanges {
  body?: Json;
  bodyBase64?: string;
  attributes?: Attributes;
  delaySeconds?: number;
  deliverAt?: string;
  priority?: number;
}

export interface Refused {
  ok: false;
  code: ErrorCode;
  message: string;
}

export type PublishResult = { ok: true; id: string; duplicate?: true } | Refused;
export type AckResult = { ok: true } | Refused;
export type ReleaseResult = { ok: true; visibleAt: string } | { ok: true; deadLettered: true } | Refused;
export type ExtendResult = { ok: true; leasedUntil: string } | Refused;

/** What became of a message before it was dead-lettered. */
export interface DeathRecord {
  /** The queue in which it died. */
  queue: string;
  /** `max_receives`, `expired`, or the text given with `release({failed})`. */
  reason: string;
  at: string;
  receives: number;
  failures: number;
}

export interface ReceivedMessage {
  id: string;
  body?: Json;
  bodyBase64?: string;
  attributes: Attributes;
  /** Proves the lease: ack, release and extend ask for it. */
  receipt: string;
  /** How often it was received in this queue, this time included. */
  receives: number;
  /** How many of those ended in `release({failed})` or in an expired lease. */
  failures: number;
  /** Absent for 0. */
  priority?: number;
  /** The group in which it waits for its turn. */
  group?: string;
  publishedAt: string;
  leasedUntil: string;
  deadLetter?: DeathRecord;
}

export type MessageState = 'delayed' | 'ready' | 'leased' | 'dead' | 'prepared';
/** Of a message that its queue keeps: acked, cancelled, or grown too old. */
export type EndState = 'done' | 'cancelled' | 'expired';

/** A failure that was told with `release({failed})`. */
export interface FailureRecord {
  at: string;
  message: string;
}

/** A message as peek and get show it. */
export interface Message {
  id: string;
  /** The queue where it is now. */
  queue: string;
  state: MessageState | EndState;
  body?: Json;
  bodyBase64?: string;
  attributes: Attributes;
  receives: number;
  failures: number;
  /** Absent for 0. */
  priority?: number;
  /** The group in which it waits for its turn. */
  group?: string;
  publishedAt: string;
  /** When it can next be received (while leased: if it is not acked); once it has ended, when it could have been. */
  visibleAt: string;
  expiresAt: string | null;
  /** The text of the last `release({failed})`. */
  lastFailure?: string;
  /** The last five of those, the oldest first: only of queues that keep messages. */
  errors?: FailureRecord[];
  /** From 0 to 1, as its holder told it last. */
  progress?: number;
  /** When it was acked, cancelled, or grew too old. */
  endedAt?: string;
  /** How long it can be read. */
  keptUntil?: string;
  /** What was given with its ack. */
  result?: Json;
  deadLetter?: DeathRecord;
}

// --- Redrive ---

export interface RedriveInput {
  /** Only these messages. */
  ids?: string[];
  /** Only those that died of this reason. */
  reason?: string;
  /** Only those that came here at or after this instant. */
  from?: string;
  /** Only those that came here before this instant. */
  until?: string;
  /** Where to; without it, each goes back to the queue it died in. */
  toQueue?: string;
  ratePerSecond?: number;
}

export interface RedriveTask {
  id: string;
  queue: string;
  toQueue: string | null;
  state: 'running' | 'done' | 'cancelled' | 'failed';
  moved: number;
  /** Met, but not selected or without a queue to go back to. */
  skipped: number;
  startedAt: string;
  updatedAt: string;
  endedAt: string | null;
  /** Why it failed. */
  error: string | null;
}

// --- Keys ---

export type Scope = 'publish' | 'receive' | 'admin';

export interface ApiKey {
  id: string;
  name: string;
  /** Queue names; `*` stands for any characters. */
  queues: string[];
  scopes: Scope[];
  createdAt: string;
}
