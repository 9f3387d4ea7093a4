/**
 * A history as the lives of its messages: who published each, who had it when, and what was done with each receipt.
 *
 * A message whose publish was accepted is known by its id. One whose publish was not answered has an id that nobody was told, and is
 * known by its content when it is first seen: bodies that are told apart make judgements sharper.
 */
import type { AckResult, ExtendResult, PublishEntry, ReceivedMessage, ReleaseResult } from '../../../contract/contract.ts';
import type { Asked, Call, Transaction } from '../run/history.ts';
import type { CallOf, Outcome } from './outcomes.ts';
import type { Queues } from './queues.ts';
import type { Schedules } from './schedules.ts';

export interface Life {
  id: string | undefined;
  queue: string;
  entry: PublishEntry;
  published: CallOf<'publish'>;
  accepted: boolean;
  /** Answered as a duplicate: it may be the first itself, where its request had been applied once before and the answer was lost. */
  duplicate?: true;
  /** What it said of its publish when it was delivered first: of two under one key it tells which it is. */
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
  told: 'accepted' | 'duplicate' | 'nothing';
}

/** An accepted publish under the caller's own id, or a key, that was told to be there already. */
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
  /** Calls that may have decided a prepared message, and what its publisher answered, by its id. */
  commits: ReadonlyMap<string, readonly CallOf<'commitMessage'>[]>;
  rollbacks: ReadonlyMap<string, readonly CallOf<'rollbackMessage'>[]>;
  asked: ReadonlyMap<string, readonly Asked[]>;
  schedules: Schedules;
  /** Messages that were delivered, and that nobody published. */
  strangers: readonly { message: ReceivedMessage; call: CallOf<'receive'> }[];
  /** Receipts that two receives were given. */
  sameReceipt: readonly [Delivery, Delivery][];
  transactions: readonly Transaction[];
  clockErrorMs: number;
  drainedAt: number | undefined;
  sweptAt: number | undefined;
}
