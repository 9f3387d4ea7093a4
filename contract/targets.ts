/** Types of targets. A target gets the messages of a queue pushed to it: a Lambda function, or a URL. */

/** What the request to a URL looks like: the message as one JSON object, or CloudEvents 1.0 in binary mode. */
export type TargetFormat = 'json' | 'cloudevents';

/** A target as the caller gives it. Each message of the queue goes to one of its targets. Exactly one of `functionName` and `url` is required. */
export interface TargetInput {
  /** The name or ARN of a Lambda function. It gets events of the shape of SQS. */
  functionName?: string;
  /** A URL of https, or of http on a local server. It gets one message a POST, signed as Standard Webhooks specifies. */
  url?: string;
  /** Messages of one invocation of a function, 1 to 100. Default 10. A URL gets one at a time. */
  batchSize?: number;
  /** How long to wait for a batch to fill, 0 to 300 s. Default 0. Only for functions. */
  maxBatchingWindowSeconds?: number;
  /** Invocations or requests at a time over all processes, 1 to 1,000. Default 10. */
  maxConcurrency?: number;
  /** Whether the function names the messages that failed (`batchItemFailures`). Default false: a batch succeeds or fails as a whole. */
  reportBatchItemFailures?: boolean;
  /** Default `json`. Only for URLs. */
  format?: TargetFormat;
  /** How long a URL may take to answer, 1 to 60 s. Default 10. Only for URLs. */
  timeoutSeconds?: number;
  /** A paused target gets nothing. Default false. */
  paused?: boolean;
}

/**
 * `active`: gets messages. `broken`: failed so often that it is only probed now and then. `ended`: its URL answered 410, and it
 * gets nothing until it is put again.
 */
export type TargetState = 'active' | 'paused' | 'broken' | 'ended';

export interface Target {
  queue: string;
  name: string;
  functionName: string | null;
  url: string | null;
  batchSize: number;
  maxBatchingWindowSeconds: number;
  maxConcurrency: number;
  reportBatchItemFailures: boolean;
  /** Null for a function. */
  format: TargetFormat | null;
  /** Null for a function. */
  timeoutSeconds: number | null;
  state: TargetState;
  /** Failures in a row, since the last success. */
  failures: number;
  /** While `broken`: when it is probed next. */
  nextTryAt: string | null;
  lastError: { at: string; message: string } | null;
  createdAt: string;
  updatedAt: string;
}
