/**
 * A history, ordered by message. A life is one message from its publish to its end: its publish, its deliveries, and what was done with each
 * receipt. An accepted message is identified by its id. The id of a publish without an answer is unknown: its message is identified by its
 * content when it is first delivered, so plans give each message a different body.
 */
import type { AckResult, ExtendResult, PublishEntry, ReceivedMessage, ReleaseResult } from '../../../contract/contract.ts';
import type { Asked, Call, Transaction } from '../run/history.ts';
import type { Attempt } from './attempt-calls.ts';
import type { CallOf, Outcome } from './outcomes.ts';
import type { Queues } from './queues.ts';
import type { Schedules } from './schedules.ts';
import type { TopicPublishes } from './topic-publishes.ts';

export interface Life {
  id: string | undefined;
  queue: string;
  entry: PublishEntry;
  published: CallOf<'publish'>;
  accepted: boolean;
  /** When the publish to its topic was answered. Its message may be stored later. */
  answeredAt?: number | undefined;
  /** Answered as a duplicate. It may be the first message itself, if an earlier attempt was applied and its answer was lost. */
  duplicate?: true;
  /** The `publishedAt` of its first delivery. It distinguishes two messages under one key. */
  saidAt?: string;
  /** When the last receive began that returned its own body, where that body proves the life, ms. */
  ownBodySeenAt?: number;
  /** In the order in which their calls began. */
  deliveries: Delivery[];
}

/** One message in the answer of one receive. */
export interface Delivery {
  life: Life;
  queue: string;
  message: ReceivedMessage;
  call: CallOf<'receive'>;
  startedAt: number;
  endedAt: number;
  /** What was done with its receipt, in the order in which the calls began. */
  acts: Act[];
}

export type Act =
  | { operation: 'ack'; call: CallOf<'ack'>; outcome: Outcome<Extract<AckResult, { ok: true }>> }
  | { operation: 'release'; call: CallOf<'release'>; outcome: Outcome<Extract<ReleaseResult, { ok: true }>> }
  | { operation: 'extend'; call: CallOf<'extend'>; outcome: Outcome<Extract<ExtendResult, { ok: true }>> };

/** A publish under a key that may have taken effect. */
export interface KeyedPublish {
  queue: string;
  entry: PublishEntry;
  call: CallOf<'publish'>;
  answer: 'accepted' | 'duplicate' | 'none';
}

/** A publish under an own id or a key that was answered as a duplicate. */
export interface Duplicate {
  id: string;
  queue: string;
  entry: PublishEntry;
  call: CallOf<'publish'>;
}

export interface Ledger {
  calls: readonly Call[];
  queues: Queues;
  lives: readonly Life[];
  byId: ReadonlyMap<string, readonly Life[]>;
  duplicates: readonly Duplicate[];
  /** By the id of the key. */
  keyed: ReadonlyMap<string, readonly KeyedPublish[]>;
  /** Calls that may have cancelled or changed a message, by its id. */
  cancels: ReadonlyMap<string, readonly CallOf<'cancelMessage'>[]>;
  changes: ReadonlyMap<string, readonly CallOf<'updateMessage'>[]>;
  /** Calls that may have released a message by its id. */
  releases: ReadonlyMap<string, readonly CallOf<'releaseMessage'>[]>;
  /** Calls that may have decided a prepared message, and the answers to check-backs, by its id. */
  commits: ReadonlyMap<string, readonly CallOf<'commitMessage'>[]>;
  rollbacks: ReadonlyMap<string, readonly CallOf<'rollbackMessage'>[]>;
  asked: ReadonlyMap<string, readonly Asked[]>;
  schedules: Schedules;
  topics: TopicPublishes;
  /** Deliveries that match no publish. */
  strangers: readonly { message: ReceivedMessage; call: CallOf<'receive'> }[];
  /** Deliveries of two receives with the same receipt. */
  sameReceipt: readonly [Delivery, Delivery][];
  transactions: readonly Transaction[];
  attempts: readonly Attempt[];
  hasNoFaults: boolean;
  clockErrorMs: number;
  drainedAt: number | undefined;
  sweptAt: number | undefined;
}
