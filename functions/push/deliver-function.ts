/** Delivers a batch to a Lambda function, and reads from its answer which messages failed, as Lambda does for SQS queues. */
import type { ReceivedMessage } from '../../contract/contract.ts';
import type { Invoke } from '../service/check-back.ts';
import { awsCodeOf } from './aws-errors.ts';
import { allDone, allFailed, type Deliver, noneHandled, type Outcome, reasonOf } from './delivery.ts';
import { eventOf } from './function-event.ts';

/** Lambda refused the event itself: invoking the function again with the same messages would fail again. */
const refusedEvents: ReadonlySet<string | undefined> = new Set([
  'RequestTooLargeException',
  'RequestEntityTooLargeException',
  'InvalidRequestContentException',
  'UnsupportedMediaTypeException',
]);

export function createFunctionDelivery({ invoke, region }: { invoke: Invoke; region: string }): Deliver {
  return async ({ queue, terms }, batch, signal) => {
    try {
      const event = eventOf(batch, { queue, region });
      const answer = await invoke(terms.functionName!, event, signal);
      return terms.reportBatchItemFailures ? outcomeOf(batch, answer) : allDone(batch);
    } catch (error) {
      if (signal.aborted) return noneHandled(batch, undefined);
      const code = awsCodeOf(error);
      if (code === 'FunctionError') return allFailed(batch, failureOf(error));
      if (refusedEvents.has(code)) return allFailed(batch, reasonOf(error));
      // The function is missing, throttled or out of reach: the messages are not at fault.
      return noneHandled(batch, { message: reasonOf(error), breaksAtOnce: isRefusal(code) });
    }
  };
}

/** Whether Lambda, or the lack of credentials, refuses every invocation for now. A lost connection says nothing of the next one. */
function isRefusal(code: string | undefined): boolean {
  return code === 'CredentialsProviderError' || (code !== 'ServiceException' && code?.endsWith('Exception') === true);
}

/** The error that the function threw, from Lambda's answer. */
function failureOf(error: unknown): string {
  const { answer = '' } = error as { answer?: string };
  try {
    const { errorType, errorMessage } = JSON.parse(answer) as { errorType?: unknown; errorMessage?: unknown };
    const parts = [errorType, errorMessage].filter((part) => typeof part === 'string' && part !== '');
    if (parts.length > 0) return parts.join(': ');
  } catch {
    // Not JSON: the error itself says enough.
  }
  return reasonOf(error);
}

/**
 * Without failures (an answer that is empty or null, or a list that is) the batch is done. An answer of any other form fails the whole
 * batch, and so does an identifier that is missing, empty or of no message:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
function outcomeOf(batch: readonly ReceivedMessage[], answer: string): Outcome {
  const failures = failuresIn(answer);
  if (failures === undefined)
    return allFailed(batch, 'the answer of the function is not valid: it must be {"batchItemFailures": […]}');
  const ids = new Set(batch.map(({ id }) => id));
  if (failures.some((id) => typeof id !== 'string' || !ids.has(id))) {
    return allFailed(batch, 'the answer of the function is not valid: an itemIdentifier is not the messageId of a record');
  }
  const failed = batch.filter(({ id }) => failures.includes(id));
  return {
    done: batch.filter((message) => !failed.includes(message)),
    failed: failed.map((message) => ({ message, text: 'the function reported that this message failed' })),
    unhandled: [],
    target: 'works',
  };
}

/** The identifiers of the messages that failed; undefined if the answer has another form. */
function failuresIn(answer: string): unknown[] | undefined {
  if (answer.trim() === '') return [];
  try {
    const value: unknown = JSON.parse(answer);
    if (value === null) return [];
    if (typeof value !== 'object' || Array.isArray(value)) return undefined;
    const { batchItemFailures = null } = value as { batchItemFailures?: unknown };
    if (batchItemFailures === null) return [];
    if (!Array.isArray(batchItemFailures)) return undefined;
    return batchItemFailures.map((one) => (one as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  } catch {
    return undefined;
  }
}
