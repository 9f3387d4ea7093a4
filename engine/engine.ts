/** The queue as a value: every operation over one store. */
import type {
  CheckBack,
  DeathReason,
  InputOf,
  Message,
  OperationName,
  OutputOf,
  ParamsOf,
  TransactionItem,
} from '../contract/contract.ts';
import type { Clock, Random, Store, Write } from './port/port.ts';

/** What the engine says of its own doings, for logs and metrics. It never holds a body. */
export type EngineEvent =
  | { kind: 'dead_lettered'; queue: string; to: string; reason: DeathReason; messages: number }
  /** Without a dead-letter queue: gone, or kept as expired. Told by whoever meets them, at times by two. */
  | { kind: 'expired'; queue: string; messages: number }
  /** The ticks of a schedule cannot be published; told once for each reason. */
  | { kind: 'schedule_failed'; schedule: string; queue: string; reason: string }
  /** A prepared message that nobody committed, after its publisher was asked so often. */
  | { kind: 'rolled_back'; queue: string; row: string; asked: number }
  /** The store did not do as asked, for some entries of a call that was answered; what it said. */
  | { kind: 'unavailable'; queue: string; detail: string }
  /** Something that the rules make impossible, or nearly: worth an alarm. */
  | { kind: 'anomaly'; what: string; queue?: string; row?: string };

/** What a publisher is asked about. Its body and its attributes are JsonText. */
export type CheckBackMessage = Pick<Message, 'id' | 'queue' | 'body' | 'bodyBase64' | 'attributes' | 'publishedAt'> & {
  /** How often he was asked, this time included. */
  asked: number;
};

export interface EngineParts {
  store: Store;
  clock: Clock;
  random: Random;
  observe?: (event: EngineEvent) => void;
  /**
   * Turns a write into an entry for a transaction of the caller's own. A store that is not DynamoDB may hand on the write itself. Without
   * this, `publishItems` and `ackItems` are refused.
   */
  transactionItem?: (write: Write) => TransactionItem;
  /**
   * Asks a publisher what he meant with a message that he prepared. It never rejects: what cannot be known is `unknown`. The sweep alone calls
   * it; without it, messages of queues that ask stay prepared.
   */
  checkBack?: (target: CheckBack, message: CheckBackMessage) => Promise<'commit' | 'rollback' | 'unknown'>;
  /** Sees to it that `runRedrive` is called for this task, soon and once more if it dies (a Lambda invoke; locally, a promise). */
  startRedrive?: (queue: string, task: string) => Promise<void>;
}

/** The operations of the engine; keys and health belong to the functions. */
export type QueueOperation = Exclude<OperationName, 'createKey' | 'listKeys' | 'revokeKey' | 'rotateSigningSecret' | 'health'>;

export interface SweepReport {
  queues: {
    name: string;
    /** Rows removed from `messages` because `leases` overrides them, they expired or they were purged. */
    removed: number;
    deadLettered: number;
    /** Age of the oldest message that waits, seconds; 0 when none does. */
    oldestAgeSeconds: number;
    /** Whether the queue is the dead-letter queue of another. */
    isDeadLetter: boolean;
    /** Messages seen waiting at the heads (bounded: up to the sweep's window). */
    waiting: number;
  }[];
  /** Whether all that is due was done. What was not is done in the next run. */
  complete: boolean;
  totals: {
    /** How many queues there are. */
    queues: number;
    visited: number;
    /** Passed over: nothing in them is due, waits or is unsettled. */
    asleep: number;
    /** Not visited, since the time was over. */
    notReached: number;
    /** Their visit failed: the store was too busy, or did not answer. */
    failed: number;
    removed: number;
    deadLettered: number;
  };
}

export interface CallOptions {
  /** Ends a wait: the caller is gone, or the server stops. */
  signal?: AbortSignal;
  /** By when (clock's ms) the caller has to have an answer: no wait and no retry begins that could not end before it. */
  endsAt?: number;
  /** Bodies, attributes and results of the answer come as JsonText, as they were sent, and not as values. Default false. */
  texts?: boolean;
}

export interface Engine {
  /** Checks the input and runs one operation. Throws `DumbwaiterError`; anything else is a defect. */
  call<Name extends QueueOperation>(
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    options?: CallOptions,
  ): Promise<OutputOf<Name>>;
  /** What has to be done though nobody receives: call it each `sweepPeriodMs`. It stops at `until` (clock's ms), or at the signal. */
  sweep(options: { until: number; signal?: AbortSignal }): Promise<SweepReport>;
  /** Goes on with a redrive task until it ends (`done`), or until `until` (`more`: call again). */
  runRedrive(queue: string, task: string, options: { until: number }): Promise<'done' | 'more'>;
}
