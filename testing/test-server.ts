/** `dumbwaiter-queue/testing`: a server in the process of a test. What it offers, by types that need nothing of the server. */
import type { Message } from '../contract/contract.ts';

export interface TestServerOptions {
  /** Default: any free port. */
  port?: number;
  /** An admin key of the test's choice. Default: a new one. */
  key?: string;
  /** Whether SQS creates a queue that a call names and that does not exist. Default: false. */
  sqsCreatesQueues?: boolean;
  /** Gets each line that the server logs. Default: lines about errors go to stderr. */
  log?: (line: string) => void;
}

/** Settings for a client of SQS: `new SQSClient(server.sqs)`. The server accepts any signature. */
export interface SqsAccess {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

export type { Message };

export interface TestServer {
  url: string;
  /** An API key that may do everything. */
  key: string;
  sqs: SqsAccess;
  /** The server's time, in milliseconds since 1970. It runs on by itself. */
  now(): number;
  /** Moves the server's time forward: delays, leases and schedules come due. Timers of clients do not move. */
  advance(ms: number): void;
  /**
   * Resolves with a message of the queue for which the predicate is true, in any state, as soon as there is one. It takes nothing from
   * the queue. Rejects after `timeoutMs` of real time (default: 5,000), and says what the queue holds.
   */
  waitForMessage(queue: string, predicate?: (message: Message) => boolean, options?: { timeoutMs?: number }): Promise<Message>;
  /** Removes everything but API keys, and ends calls that wait. The time stays as it is. */
  reset(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server in this process. It listens on 127.0.0.1, and keeps all in memory. */
export declare function startServer(options?: TestServerOptions): Promise<TestServer>;
