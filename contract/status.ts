/** Types of the status of a server: what an operator needs to know besides the queues. Instants are RFC 3339 with milliseconds. */

export type StoreKind = 'dynamodb' | 'sqlite' | 'memory';

export interface ServerStatus {
  /** The version of the server. */
  version: string;
  /** The server's clock. */
  now: string;
  store: {
    kind: StoreKind;
    /** Why a table cannot be read; `null`: all can. */
    error: string | null;
  };
  /** The latest sweep of any process that ended; `null`: none has. */
  lastSweep: {
    at: string;
    /** Whether it did everything that was due. */
    complete: boolean;
    /** Queues that it could not visit, because the store was too busy or did not answer. */
    failedQueues: number;
    /** Queues for which its time was over. */
    notReachedQueues: number;
  } | null;
  /** Writes that DynamoDB throttled in the last hour, also those that a retry brought through, as far as processes have reported them. */
  throttledWrites: number;
  /** The same for reads. */
  throttledReads: number;
}
