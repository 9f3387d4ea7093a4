/** What a delivery of messages to a target comes to. The two kinds of targets implement `Deliver`; the dispatcher settles by it. */
import type { ReceivedMessage } from '../../contract/contract.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { Failure } from './circuit.ts';
import type { TargetRecord } from './target-records.ts';

/** A message that failed. `delaySeconds`: when its target wants it again; default: by the queue's backoff. */
export interface FailedMessage {
  message: ReceivedMessage;
  text: string;
  delaySeconds?: number;
}

export interface Outcome {
  done: readonly ReceivedMessage[];
  failed: readonly FailedMessage[];
  /** The target did not get these: they are given back, and the receive is not counted. */
  unhandled: readonly ReceivedMessage[];
  /** What it says about the target. `ended`: it wants no more messages. Undefined: nothing, since the process stops. */
  target: 'works' | Failure | { ended: string } | undefined;
}

/** Never rejects. `signal` aborts if the process must end. */
export type Deliver = (target: TargetRecord, batch: readonly ReceivedMessage[], signal: AbortSignal) => Promise<Outcome>;

export function allDone(batch: readonly ReceivedMessage[]): Outcome {
  return { done: batch, failed: [], unhandled: [], target: 'works' };
}

export function allFailed(batch: readonly ReceivedMessage[], text: string, more: { delaySeconds?: number } = {}): Outcome {
  const failed = batch.map((message) => ({ message, text, ...more }));
  return { done: [], failed, unhandled: [], target: { message: text } };
}

export function noneHandled(batch: readonly ReceivedMessage[], target: Outcome['target']): Outcome {
  return { done: [], failed: [], unhandled: batch, target };
}

/** The text of an error, with that of its cause. */
export function reasonOf(error: unknown): string {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof Error ? `${textOfThrown(error)}: ${textOfThrown(cause)}` : textOfThrown(error);
}
