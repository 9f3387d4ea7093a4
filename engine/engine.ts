/**
 * The engine's interface: every operation of the queue over one store. Start reading `engine/` here, then `create.ts`.
 * The engine holds all rules of the queue. It uses no AWS package outside `dynamo/`, and knows no wire protocol.
 */
import type {
  CheckBack,
  CheckedInputOf,
  DeathReason,
  InputOf,
  Message,
  OperationName,
  OutputOf,
  ParamsOf,
  PublishEntry,
  ReleaseResult,
  TransactionItem,
} from '../contract/contract.ts';
import type { Clock, Random, Store, Write } from './port/port.ts';

/** What a call is about. */
export type Addressee = { queue: string } | { topic: string };

/** Events for logs and metrics. They never contain a body. */
export type EngineEvent =
  | { kind: 'dead_lettered'; queue: string; to: string; reason: DeathReason; messages: number }
  /**
   * Messages past their retention, in a queue without a dead-letter queue: removed, or kept as expired. May be reported twice.
   */
  | { kind: 'expired'; queue: string; messages: number }
  /** The ticks of a schedule cannot be published. Reported once for each reason. */
  | { kind: 'schedule_failed'; schedule: string; queue: string; reason: string }
  /** A prepared message, or a prepared publish to a topic, was not committed in time. `asked`: how often its publisher was asked. */
  | ({ kind: 'rolled_back'; row: string; asked: number } & Addressee)
  /** A subscription ended, because nothing received from its queue for as long as it says. */
  | { kind: 'subscription_ended'; topic: string; subscription: string }
  /** A redrive task saved no progress for a while, and is restarted. `reason`: why the restart failed, if it did. */
  | { kind: 'redrive_stalled'; queue: string; task: string; reason?: string }
  /** The store failed for some entries of a call that was answered. `detail`: the store's message. */
  | ({ kind: 'unavailable'; detail: string } & Addressee)
  /**
   * A publish to a topic, without duplicates. `delivered` and `filtered`: how many copies of its messages subscriptions get, and how
   * many they do not get, because they do not match. `unmatched`: messages that no subscription gets.
   */
  | { kind: 'topic_published'; topic: string; published: number; delivered: number; filtered: number; unmatched: number }
  /** A state that the rules make impossible or very unlikely. Set an alarm on it. */
  | { kind: 'anomaly'; what: string; queue?: string; topic?: string; row?: string };

/** The prepared message that a publisher is asked about. Its body and attributes are JsonText. */
export type CheckBackMessage = Pick<Message, 'id' | 'queue' | 'body' | 'bodyBase64' | 'attributes' | 'publishedAt'> & {
  /** How often the publisher was asked, including this time. */
  asked: number;
};

export interface EngineParts {
  store: Store;
  clock: Clock;
  random: Random;
  observe?: (event: EngineEvent) => void;
  /**
   * How many bytes more than `rowBytesMax` a published row may have. Contents that fit are stored as they are: neither deflated nor
   * offloaded. Default 0, because DynamoDB charges each kibibyte.
   */
  moreRowBytes?: number;
  /**
   * Turns a write into an entry for the caller's own transaction. A store other than DynamoDB may return the write itself.
   * Without this, `publishItems` and `ackItems` are refused.
   */
  transactionItem?: (write: Write) => TransactionItem;
  /**
   * Asks the publisher whether to commit or roll back a prepared message. Never rejects: `unknown` if there is no answer. Only
   * the sweep calls it. Without it, prepared messages of queues with `checkBack` stay prepared.
   */
  checkBack?: (target: CheckBack, message: CheckBackMessage) => Promise<'commit' | 'rollback' | 'unknown'>;
  /**
   * Arranges that `runRedrive` is called for this task soon, and again if that run dies (a Lambda invoke; locally, a promise).
   */
  startRedrive?: (queue: string, task: string) => Promise<void>;
}

/** The operations of `functions/`: API keys, signing secrets, targets and health. */
export type ServiceOperation =
  | 'health'
  | 'rotateSigningSecret'
  | 'queueStats'
  | 'topicStats'
  | 'listAudit'
  | 'getStatus'
  | 'createKey'
  | 'listKeys'
  | 'getOwnKey'
  | 'revokeKey'
  | 'putTarget'
  | 'getTarget'
  | 'listTargets'
  | 'deleteTarget';

/** The operations of the engine. */
export type QueueOperation = Exclude<OperationName, ServiceOperation>;

export interface SweepOptions {
  /** When to stop, ms of the clock. */
  until: number;
  /** Stops earlier. */
  signal?: AbortSignal;
  /** Called with each error that stopped a part of the work, or the visit of a queue. Default: the first is thrown, after all other work. */
  onFailure?: (thrown: unknown, queue: string | undefined) => void;
}

export interface SweepReport {
  queues: {
    name: string;
    /** Rows of `messages` removed because they were overridden, expired or purged, and messages removed from rows of `leases`. */
    removed: number;
    deadLettered: number;
    /** Age of the oldest waiting message in seconds; 0 if no message waits. */
    oldestAgeSeconds: number;
    /** Whether the queue is the dead-letter queue of another. */
    isDeadLetter: boolean;
    /** Waiting messages seen at the heads of the shards, at most as many as the sweep reads. */
    waiting: number;
  }[];
  /** Topics of which publishes have not reached all their subscriptions yet. */
  topics: {
    name: string;
    /** How many publishes. */
    undelivered: number;
    /** How long ago a sweep first found the oldest of them unfinished. */
    oldestAgeSeconds: number;
  }[];
  /** Whether everything due was done. The next run does the rest. */
  complete: boolean;
  totals: {
    /** All queues. */
    queues: number;
    visited: number;
    /** Skipped, because nothing in them is due, waiting or unsettled: see `queues/sleep.ts`. */
    asleep: number;
    /** Not visited, because the time was over. */
    notReached: number;
    /** Visit failed, because the store was too busy or did not answer. */
    failed: number;
    removed: number;
    deadLettered: number;
  };
}

export interface CallOptions {
  /** Ends a wait, because the caller is gone or the server stops. */
  signal?: AbortSignal;
  /**
   * When the caller must have an answer (ms of the clock). No wait and no retry begins that could not end before it. Default:
   * no limit.
   */
  endsAt?: number;
  /** Whether the answer has bodies, attributes and results as JsonText, as they were sent, instead of values. Default false. */
  texts?: boolean;
}

/** What a consumer that waits to be woken must know of a queue. */
export interface NextDue {
  incarnation: string;
  /** When a delay or a lease ends next, ms of the clock. In the past: a receive may find a message now. Absent: nothing waits. */
  dueAt?: number;
}

export interface Engine {
  /** Checks the input and runs one operation. Throws `DumbwaiterError`. Any other error is a defect. */
  call<Name extends QueueOperation>(
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    options?: CallOptions,
  ): Promise<OutputOf<Name>>;
  /** Like `call`, for params and an input that `contract/schemas/parse.ts` has checked. */
  callChecked<Name extends QueueOperation>(
    operation: Name,
    params: ParamsOf<Name>,
    input: CheckedInputOf<Name>,
    options?: CallOptions,
  ): Promise<OutputOf<Name>>;
  /**
   * Publishes messages that the caller has checked: their bodies and attributes may exceed the limits of `publish`. Bodies are JSON
   * values or JsonText.
   */
  publishUnchecked(queue: string, messages: readonly PublishEntry[], options?: CallOptions): Promise<OutputOf<'publish'>>;
  /**
   * Releases messages that were received but not handled: they can be received again at once, and this receive is not counted.
   */
  giveBack(queue: string, receipts: readonly string[]): Promise<{ results: ReleaseResult[] }>;
  /** Throws `queue_not_found`. Two reads for each shard and level. */
  nextDue(queue: string, options?: CallOptions): Promise<NextDue>;
  /**
   * Calls `wake` each time this process makes messages of the queue ready or puts delayed ones into it, until the function that it
   * returns is called. Other processes are not noticed.
   */
  onWakeup(queue: string, wake: () => void): () => void;
  /** The same when this process ends a message of the queue, or moves it to another. */
  onEnd(queue: string, id: string, wake: () => void): () => void;
  /** Does everything that must happen even if no caller receives. Call it every `sweepPeriodMs`. */
  sweep(options: SweepOptions): Promise<SweepReport>;
  /** Continues a redrive task until it ends (`done`), or until `until` in ms of the clock (`more`: call again). */
  runRedrive(queue: string, task: string, options: { until: number }): Promise<'done' | 'more'>;
}
