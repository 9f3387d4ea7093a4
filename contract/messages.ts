/** Types of messages and redrive tasks. Instants are RFC 3339 with milliseconds; durations are whole seconds. */
import type { ErrorCode } from './errors.ts';

/** Any JSON value. In process, a JsonText may take its place: see json-text.ts. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Attributes = Record<string, string | number>;

// --- Messages ---

/** A message to publish. Its content is exactly one of `body`, any JSON value of at most 1 MiB, and `bodyBase64`, bytes. */
export interface PublishEntry {
  body?: Json;
  bodyBase64?: string;
  /**
   * An id chosen by the caller, at most 128 characters. Publishing an id again publishes nothing while a message with that id
   * lives, and for an hour after its ack. The same holds while the acked message is kept.
   * A cancel frees the id. The setting `idempotency` can change this. Default: the queue generates an id.
   */
  id?: string;
  /** How long the message stays hidden, 0 s to ten years. Default: the queue's `delaySeconds`. */
  delaySeconds?: number;
  /**
   * When the message can first be received, in place of `delaySeconds`. RFC 3339, at most ten years ahead; a past instant means
   * now.
   */
  deliverAt?: string;
  /** From 0, the default, to one less than the queue's levels. Higher priorities are received first. */
  priority?: number;
  /**
   * At most 128 characters. Messages of one group are received in the order of publishing, one lease at a time. A delayed one keeps
   * its place, and those behind it wait. Not with `prepared` or a priority.
   */
  group?: string;
  /**
   * Among messages with the same key, one is accepted at a time, for as long as the queue's `deduplication` says. The id of the
   * message is `@` and the key. In a group, the key is taken for `windowSeconds`, and the message has an id that the queue generates.
   */
  dedupKey?: string;
  /** No receive returns the message until it is committed. Default false. */
  prepared?: boolean;
  /** At most 20, each a string of at most 1,024 characters or a finite number. */
  attributes?: Attributes;
}

/** What to change in a message that waits. Fields that are left out stay as they are. */
export interface MessageChanges {
  /** A new body that replaces the old one: exactly one of `body` and `bodyBase64`. */
  content?: { body?: Json; bodyBase64?: string };
  /** Replace all the old attributes. */
  attributes?: Attributes;
  /** How long the message stays hidden from now, 0 s to ten years. Not with `deliverAt`. */
  delaySeconds?: number;
  /** When the message can be received: RFC 3339, at most ten years ahead. Not with `delaySeconds`. */
  deliverAt?: string;
  /** From 0 to one less than the queue's levels. */
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

/**
 * Why a message was dead-lettered. `max_receives`: it was received as often as its queue allows, without an ack. `expired`: its
 * retention was over. `rejected`: its receiver rejected it. `unreadable`: its stored data cannot be read as a message.
 */
export type DeathReason = 'max_receives' | 'expired' | 'rejected' | 'unreadable';

/** What happened to a message before it was dead-lettered. */
export interface DeathRecord {
  /** The queue in which it died. */
  queue: string;
  reason: DeathReason;
  /** The group in which it died. A redrive puts it at the end of this group. */
  group?: string;
  /**
   * The text of the last failure before it died: of `release({failed})`, or of the error that its handler threw. Absent if no
   * failure had a text.
   */
  text?: string;
  at: string;
  receives: number;
  failures: number;
}

export interface ReceivedMessage {
  id: string;
  body?: Json;
  bodyBase64?: string;
  attributes: Attributes;
  /** Proves the lease. Ack, release and extend require it. */
  receipt: string;
  /** How often it was received in this queue, including this receive. */
  receives: number;
  /** How many of these receives ended in `release({failed})` or in an expired lease. */
  failures: number;
  /** Absent for 0. */
  priority?: number;
  /** The group that it belongs to; in a dead-letter queue, the one in which it died. */
  group?: string;
  publishedAt: string;
  /** When it was first received in this queue: now, or before. Absent if an earlier version of the queue gave that receive. */
  firstReceivedAt?: string;
  leasedUntil: string;
  deadLetter?: DeathRecord;
}

export type MessageState = 'delayed' | 'ready' | 'leased' | 'dead' | 'prepared';
/** The state of an ended message that its queue keeps: acked, cancelled or expired. */
export type EndState = 'done' | 'cancelled' | 'expired';

/** A failure reported with `release({failed})`. */
export interface FailureRecord {
  at: string;
  message: string;
}

/** One receive of a message, from its lease's start to its end. */
export interface LeaseRecord {
  receivedAt: string;
  /** When it was acked, released or cancelled, or when its lease expired. Absent while it runs. */
  endedAt?: string;
  /** `failed`: released with `failed`, or rejected. */
  outcome: 'running' | 'acked' | 'failed' | 'released' | 'expired' | 'cancelled';
  /** The text of the failure, if it is among the last five. */
  failure?: string;
}

/** A message as peek and get return it. */
export interface Message {
  id: string;
  /** The queue that the message is in now. */
  queue: string;
  state: MessageState | EndState;
  body?: Json;
  bodyBase64?: string;
  /** The stored data, in place of a body, if it cannot be read as a message. */
  unreadable?: string;
  attributes: Attributes;
  receives: number;
  failures: number;
  /** Absent for 0. */
  priority?: number;
  /** The group that it belongs to; in a dead-letter queue, the one in which it died. */
  group?: string;
  publishedAt: string;
  /** When it was first received in this queue. Absent before that, and if an earlier version of the queue gave that receive. */
  firstReceivedAt?: string;
  /**
   * When it can next be received; while it is leased, when it can be received if it is not acked. After its end: when it could
   * have been received.
   */
  visibleAt: string;
  /** When its retention ends; `null`: never. */
  expiresAt: string | null;
  /** The text of the last `release({failed})`. */
  lastFailure?: string;
  /** The last five failures, oldest first. Only in queues that keep messages. */
  errors?: FailureRecord[];
  /**
   * Its last ten leases, oldest first; a dead letter has those from the queue where it died, too. Only in queues that keep
   * messages. A receive that is given back without being counted leaves none.
   */
  leases?: LeaseRecord[];
  /** From 0 to 1, as its receiver last reported it. */
  progress?: number;
  /** When it was acked or cancelled, or when it expired. */
  endedAt?: string;
  /** Until when the ended message can be read. */
  keptUntil?: string;
  /** The result given with its ack. */
  result?: Json;
  deadLetter?: DeathRecord;
}

// --- Filters and redrive ---

/** Which messages of a queue a call selects: those that fit all given fields. Default: all. */
export interface MessageFilter {
  /** Only messages whose ids begin with these characters. */
  id?: string;
  /** Only messages of this group; in a dead-letter queue, those that died in it. */
  group?: string;
  /** Only messages that were published under this `dedupKey`. In a group: only the latest one, and only while the queue remembers the key. */
  key?: string;
  priority?: number;
  /** Only messages that died for this reason. */
  reason?: DeathReason;
  /** `name=value`, 1 to 5 times: only messages with all of these attributes. */
  attribute?: string[];
  /**
   * Only messages that arrived here at or after this instant: that were published then or, in a dead-letter queue, died. A redrive
   * counts as an arrival, too.
   */
  from?: string;
  /** Only messages that arrived here before this instant. */
  until?: string;
  /** Only messages whose bodies contain this text, in the JSON as it was sent or, of bytes, in their base64 text. */
  text?: string;
}

/** Which messages to move, and where to. Default: all, each to the queue in which it died. */
export interface RedriveInput extends MessageFilter {
  /** Only these messages; 1 to 100 ids. */
  ids?: string[];
  /** The queue to move them to. Default: each returns to the queue in which it died. */
  toQueue?: string;
  /** Messages to move per second at most, 1 to 10,000. Default: as many as possible. */
  ratePerSecond?: number;
}

export interface RedriveTask {
  id: string;
  queue: string;
  toQueue: string | null;
  state: 'running' | 'done' | 'cancelled' | 'failed';
  moved: number;
  /** Examined, but not selected, or without a queue to return to. */
  skipped: number;
  startedAt: string;
  updatedAt: string;
  endedAt: string | null;
  /** Why the task failed; `null` if it did not. */
  error: string | null;
}
