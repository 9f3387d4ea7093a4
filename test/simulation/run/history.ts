/**
 * A history: the calls that callers made and the answers that they got, and nothing internal. The checker uses only this, from the simulation
 * or from real processes.
 */
import type { InputOf, OperationName, OutputOf, ParamsOf, PublishEntry, TopicEntry } from '../../../contract/contract.ts';
import type { ErrorCode } from '../../../contract/errors.ts';

type CallOf<Name extends OperationName> = {
  operation: Name;
  params: ParamsOf<Name>;
  input: InputOf<Name>;
  answer: Answer<Name>;
};

/** `refused`: certainly changed nothing, unless the code is `unavailable` or `internal`. `lost`: the caller died or got no response. */
export type Answer<Name extends OperationName> =
  | { output: OutputOf<Name> }
  | { refused: ErrorCode; message: string }
  | { lost: true };

/** One call. Times are true times, ms. A call without an answer may take effect at any time after `startedAt`. */
export type Call = { [Name in OperationName]: CallOf<Name> }[OperationName] & {
  process: string;
  startedAt: number;
  endedAt: number | undefined;
};

/** A caller's transaction: entries that the queue returned, and a row that only this transaction writes. */
export interface Transaction {
  /** The name of the row. */
  row: string;
  process: string;
  publishes: { queue: string; messages: PublishEntry[]; ids: string[]; takenAt: number }[];
  /** `answeredAt`: when the call that returned the entries was answered. */
  topicPublishes?: { topic: string; messages: TopicEntry[]; ids: string[]; takenAt: number; answeredAt: number }[];
  acks: { queue: string; receipts: string[] }[];
  /** When it was first sent, and when it was answered as committed. True times, ms. */
  startedAt: number;
  endedAt?: number;
  answer: 'committed' | 'refused' | 'lost' | 'never';
  /** It was refused only because of its acks. */
  refused?: 'ack';
  /** Whether its row exists at the end. */
  applied?: boolean;
}

export interface Circumstances {
  /** The largest error of the queue's clocks during the history, ms. */
  clockErrorMs: number;
  /**
   * The shortest duration, ms, of a call in which the queue retried a write without an answer. The first attempt may have been applied, so
   * that the second reports `lease_lost`, or a duplicate. Absent if unknown.
   */
  retryMsMin?: number;
  /** When the drain ended: receives had been made until all queues were empty. */
  drainedAt: number | undefined;
  /** The store had no faults. Processes may have died all the same. */
  hasNoFaults?: boolean;
  /** The start of a sweep without faults: it did everything that was due by then. */
  sweptAt?: number | undefined;
}

/** A check-back of a prepared message, and its answer, which may have been lost. */
export interface Asked {
  queue: string;
  id: string;
  /** True time, ms. */
  at: number;
  answer: 'commit' | 'rollback' | 'unknown';
}

export interface History {
  /** In the order of `startedAt`. */
  calls: readonly Call[];
  asked?: readonly Asked[];
  transactions?: readonly Transaction[];
  circumstances: Circumstances;
}

/** One broken promise: which, and the calls that show it. */
export interface Violation {
  promise: string;
  text: string;
  calls: readonly Call[];
}
