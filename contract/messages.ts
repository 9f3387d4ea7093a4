/** What travels: messages, redrive tasks and keys. Instants are RFC 3339 with milliseconds; durations are whole seconds. */
import type { ErrorCode } from './errors.ts';

/** In process, a JsonText may stand for any of these: see json-text.ts. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Attributes = Record<string, string | number>;

// --- Messages ---

/** A message's content: `body`, any JSON value, or `bodyBase64`, bytes. Exactly one. */
export interface PublishEntry {
  body?: Json;
  bodyBase64?: string;
  /**
   * The caller's own id. While a message of this id lives, is kept after its ack, and an hour after its ack, publishing it again publishes nothing.
   * One that was cancelled gives it up. The setting `idempotency` says otherwise.
   */
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

/** What to change of a message that waits; the rest stays. */
export interface MessageChanges {
  /** A new body, in place of the old one: `body` or `bodyBase64`, exactly one. */
  content?: { body?: Json; bodyBase64?: string };
  /** In place of all the old ones. */
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

/**
 * Why a message was dead-lettered. `max_receives`: it was received as often as its queue allows, and not acked. `expired`: it was past its
 * retention. `rejected`: its holder said so. `unreadable`: what is stored of it can not be read as a message.
 */
export type DeathReason = 'max_receives' | 'expired' | 'rejected' | 'unreadable';

/** What became of a message before it was dead-lettered. */
export interface DeathRecord {
  /** The queue in which it died. */
  queue: string;
  reason: DeathReason;
  /** The group in which it died. It has left that for good: a redrive brings it back without group. */
  group?: string;
  /** The text of the last failure before it died: of `release({failed})`, or of what its handler threw. Absent where nobody told any. */
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
  /** In place of a body: what is stored, where it can not be read as a message. */
  unreadable?: string;
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
  reason?: DeathReason;
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

export interface KeyInput {
  /** For people. */
  name: string;
  /** Queue names; `*` stands for any characters. */
  queues: string[];
  scopes: Scope[];
  /** RFC 3339, in the future. Without it the key lives until it is revoked. */
  expiresAt?: string;
}

export interface ApiKey {
  id: string;
  name: string;
  /** Queue names; `*` stands for any characters. */
  queues: string[];
  scopes: Scope[];
  createdAt: string;
  /** From then on it opens nothing; `null`: it does until it is revoked. */
  expiresAt: string | null;
  /** To the hour; `null`: never. */
  lastUsedAt: string | null;
}
