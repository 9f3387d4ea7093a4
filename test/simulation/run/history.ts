/**
 * What callers saw: the calls that they made and the answers that they had, and nothing of what went on inside. A checker judges
 * this alone, whether it comes from the simulation or from real processes.
 */
import type { InputOf, OperationName, OutputOf, ParamsOf, PublishEntry } from '../../../contract/contract.ts';
import type { ErrorCode } from '../../../contract/errors.ts';

type CallOf<Name extends OperationName> = {
  operation: Name;
  params: ParamsOf<Name>;
  input: InputOf<Name>;
  answer: Answer<Name>;
};

/** `refused`: certain to have changed nothing, unless the code is `unavailable`. `lost`: the caller died, or never heard. */
export type Answer<Name extends OperationName> =
  | { output: OutputOf<Name> }
  | { refused: ErrorCode; message: string }
  | { lost: true };

/** One call. Times are true ones, ms; a call whose answer was lost may take effect at any time after `startedAt`. */
export type Call = { [Name in OperationName]: CallOf<Name> }[OperationName] & {
  process: string;
  startedAt: number;
  endedAt: number | undefined;
};

/** A transaction of a caller's own, of entries that the queue gave and a row that nobody else writes. */
export interface Transaction {
  /** The name of that row. */
  row: string;
  process: string;
  publishes: { queue: string; messages: PublishEntry[]; ids: string[]; takenAt: number }[];
  acks: { queue: string; receipts: string[] }[];
  /** When it was first sent, and when it was answered that it is committed; true times, ms. */
  startedAt: number;
  endedAt?: number;
  answer: 'committed' | 'refused' | 'lost' | 'never';
  /** Refused for its acks, and nothing else. */
  refused?: 'ack';
  /** Whether its row was there in the end. */
  stands?: boolean;
}

/** How far the clocks that the queue uses may be from the true time while this history ran, ms. */
export interface Circumstances {
  clockErrorMs: number;
  /**
   * How long a call lasts at least, ms, in which the queue had no answer from its store and tried again: such a release or extend may
   * have been applied at first, and then been told that its lease is lost; and such a publish, that it is a duplicate. Left out where it is not known.
   */
  retryMsMin?: number;
  /** When the history ended: by then every live message was asked for until none came any more. */
  drainedAt: number | undefined;
  /** When a sweep began that nothing disturbed: all that had to be seen to by then was. */
  sweptAt?: number | undefined;
}

/** What a publisher was asked about a message that he had prepared, and answered, if anybody heard it. */
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
