/**
 * What a caller and the queue say to each other: the operations, their inputs and their outputs, the same over HTTP,
 * Lambda invoke and in process. Instants are RFC 3339 with milliseconds; durations are whole seconds. Limits: limits.ts.
 */
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

export interface QueueSettings {
  /** How long a received message is hidden unless the receive says otherwise. */
  visibilityTimeoutSeconds: number;
  /** How long a published message is hidden unless the publish says otherwise. */
  delaySeconds: number;
  /** How long a message may wait, counted from when it first becomes ready; fixed at publish. `null`: forever. */
  retentionSeconds: number | null;
  deadLetter: DeadLetter | null;
  backoff: Backoff | null;
}

/** Messages by state. Exact unless `atLeast`: then the queue holds more rows than one call may read. */
export interface Counts {
  ready: number;
  delayed: number;
  leased: number;
  /** Dead-lettered into this queue, and waiting here. */
  dead: number;
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
  /** The caller's own id. While a message of this id exists in the queue, and an hour beyond, publishing it again publishes nothing. */
  id?: string;
  delaySeconds?: number;
  attributes?: Attributes;
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
  publishedAt: string;
  leasedUntil: string;
  deadLetter?: DeathRecord;
}

export type MessageState = 'delayed' | 'ready' | 'leased' | 'dead';

/** A message as peek and get show it. */
export interface Message {
  id: string;
  /** The queue where it is now. */
  queue: string;
  state: MessageState;
  body?: Json;
  bodyBase64?: string;
  attributes: Attributes;
  receives: number;
  failures: number;
  publishedAt: string;
  /** When it can next be received (while leased: if it is not acked). */
  visibleAt: string;
  expiresAt: string | null;
  /** The text of the last `release({failed})`. */
  lastFailure?: string;
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

// --- Operations ---

export interface Page {
  limit?: number;
  cursor?: string;
}

/** Each operation's parameters (in the path), input (JSON body, or query string of a GET) and output. */
export interface Operations {
  createQueue: { params: { queue: string }; input: Partial<QueueSettings>; output: Queue };
  getQueue: { params: { queue: string }; input: object; output: Queue & { counts: Counts } };
  updateQueue: { params: { queue: string }; input: Partial<QueueSettings>; output: Queue };
  deleteQueue: { params: { queue: string }; input: object; output: object };
  listQueues: { params: object; input: Page; output: { queues: Queue[]; cursor?: string } };
  publish: { params: { queue: string }; input: { messages: PublishEntry[] }; output: { results: PublishResult[] } };
  receive: {
    params: { queue: string };
    input: { max?: number; visibilityTimeoutSeconds?: number; waitSeconds?: number };
    output: { messages: ReceivedMessage[] };
  };
  ack: { params: { queue: string }; input: { receipts: string[] }; output: { results: AckResult[] } };
  release: {
    params: { queue: string };
    input: { receipts: string[]; delaySeconds?: number; failed?: string };
    output: { results: ReleaseResult[] };
  };
  extend: {
    params: { queue: string };
    input: { receipts: string[]; visibilityTimeoutSeconds?: number };
    output: { results: ExtendResult[] };
  };
  purge: { params: { queue: string }; input: object; output: { purgedBefore: string } };
  peek: {
    params: { queue: string };
    input: Page & { state?: MessageState };
    output: { messages: Message[]; cursor?: string };
  };
  getMessage: { params: { queue: string; id: string }; input: object; output: Message };
  redrive: { params: { queue: string }; input: RedriveInput; output: RedriveTask };
  getRedrive: { params: { queue: string; task: string }; input: object; output: RedriveTask };
  cancelRedrive: { params: { queue: string; task: string }; input: object; output: RedriveTask };
  createKey: {
    params: object;
    input: { name: string; queues: string[]; scopes: Scope[] };
    output: ApiKey & { key: string };
  };
  listKeys: { params: object; input: Page; output: { keys: ApiKey[]; cursor?: string } };
  revokeKey: { params: { id: string }; input: object; output: object };
  health: { params: object; input: object; output: { status: 'ok' } };
}

export type OperationName = keyof Operations;
export type ParamsOf<Name extends OperationName> = Operations[Name]['params'];
export type InputOf<Name extends OperationName> = Operations[Name]['input'];
export type OutputOf<Name extends OperationName> = Operations[Name]['output'];

export interface Route {
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  /** Status of a success. */
  status: 200 | 201 | 202;
  /** What an API key needs: a scope, any scope (of the queue named), or nothing. */
  scope: Scope | 'any' | 'none';
}

/** Where each operation lives over HTTP. `{name}` stands for a parameter; a GET's input is its query string. */
export const routes: { readonly [Name in OperationName]: Route } = {
  createQueue: { method: 'PUT', path: '/v1/queues/{queue}', status: 200, scope: 'admin' },
  getQueue: { method: 'GET', path: '/v1/queues/{queue}', status: 200, scope: 'any' },
  updateQueue: { method: 'PATCH', path: '/v1/queues/{queue}', status: 200, scope: 'admin' },
  deleteQueue: { method: 'DELETE', path: '/v1/queues/{queue}', status: 200, scope: 'admin' },
  listQueues: { method: 'GET', path: '/v1/queues', status: 200, scope: 'any' },
  publish: { method: 'POST', path: '/v1/queues/{queue}/publish', status: 200, scope: 'publish' },
  receive: { method: 'POST', path: '/v1/queues/{queue}/receive', status: 200, scope: 'receive' },
  ack: { method: 'POST', path: '/v1/queues/{queue}/ack', status: 200, scope: 'receive' },
  release: { method: 'POST', path: '/v1/queues/{queue}/release', status: 200, scope: 'receive' },
  extend: { method: 'POST', path: '/v1/queues/{queue}/extend', status: 200, scope: 'receive' },
  purge: { method: 'POST', path: '/v1/queues/{queue}/purge', status: 200, scope: 'admin' },
  peek: { method: 'GET', path: '/v1/queues/{queue}/messages', status: 200, scope: 'receive' },
  getMessage: { method: 'GET', path: '/v1/queues/{queue}/messages/{id}', status: 200, scope: 'receive' },
  redrive: { method: 'POST', path: '/v1/queues/{queue}/redrive', status: 202, scope: 'admin' },
  getRedrive: { method: 'GET', path: '/v1/queues/{queue}/redrive/{task}', status: 200, scope: 'admin' },
  cancelRedrive: { method: 'DELETE', path: '/v1/queues/{queue}/redrive/{task}', status: 200, scope: 'admin' },
  createKey: { method: 'POST', path: '/v1/keys', status: 201, scope: 'admin' },
  listKeys: { method: 'GET', path: '/v1/keys', status: 200, scope: 'admin' },
  revokeKey: { method: 'DELETE', path: '/v1/keys/{id}', status: 200, scope: 'admin' },
  health: { method: 'GET', path: '/v1/health', status: 200, scope: 'none' },
};

/** How a call travels: HTTP, Lambda invoke, or in process. Throws `DumbwaiterError`. */
export interface Transport {
  call<Name extends OperationName>(
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<OutputOf<Name>>;
}
