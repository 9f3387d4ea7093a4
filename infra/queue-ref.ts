/** A queue of a deployment, by its name: what `dumbwaiter.queue('orders')` returns. */
import type { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { TargetInput } from '../contract/contract.ts';
import { targetNameCharsMax } from '../contract/limits.ts';

export interface ConsumerOptions {
  /**
   * The name of the target that the API shows, and that tells consumers of one queue apart.
   * @default - the id of the function's construct
   */
  readonly name?: string;
  /**
   * Messages of one invocation at most, 1 to 100.
   * @default 10
   */
  readonly batchSize?: number;
  /**
   * How long to wait for a batch to fill, 0 to 300 seconds. The dispatch function runs, and is billed, while it waits.
   * @default Duration.seconds(0)
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Invocations at a time, 1 to 1,000.
   * @default 10
   */
  readonly maxConcurrency?: number;
  /**
   * Whether the function names the messages that failed, in `batchItemFailures`, as a function of an SQS queue does. The others are done.
   * @default false - a batch succeeds or fails as a whole
   */
  readonly reportBatchItemFailures?: boolean;
}

/** Makes the function a target of the queue. */
export type AddConsumer = (queue: string, fn: IFunction, name: string, terms: Omit<TargetInput, 'functionName'>) => void;

export class QueueRef {
  readonly name: string;
  readonly #add: AddConsumer;

  constructor(name: string, add: AddConsumer) {
    this.name = name;
    this.#add = add;
  }

  /**
   * Has the function invoked for the messages of the queue, with events of the shape that functions of SQS queues get. Messages are acked
   * when it returns, and delivered again, by the backoff of the queue, when it throws. Each message goes to one of the queue's consumers.
   * The function may run for 9 minutes at most. When a deployment no longer has the consumer, its target is removed.
   */
  addConsumer(fn: IFunction, { name = nameOf(fn), maxBatchingWindow, ...terms }: ConsumerOptions = {}): void {
    const window = maxBatchingWindow && { maxBatchingWindowSeconds: maxBatchingWindow.toSeconds() };
    this.#add(this.name, fn, name, { ...terms, ...window });
  }
}

function nameOf(fn: IFunction): string {
  return fn.node.id.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, targetNameCharsMax);
}
