/**
 * Delivers one message to a URL, by POST: as one JSON object, or as CloudEvents 1.0 in binary mode. Signed as check-backs are.
 * A status of 2xx acks the message. 410 ends the target. Every other answer, redirects included, is a failure.
 */
import { hash } from 'node:crypto';
import type { ReceivedMessage } from '../../contract/contract.ts';
import { writeJson } from '../../contract/json-values.ts';
import { retryAfterSecondsMax } from '../../contract/limits.ts';
import { StoreError } from '../../engine/port/port.ts';
import { isSuccess, type PostAnswer, type Poster } from '../service/outgoing-post.ts';
import type { SigningSecrets } from '../service/signing-secrets.ts';
import { cloudEventOf } from './cloud-event.ts';
import { allDone, allFailed, type Deliver, noneHandled, reasonOf } from './delivery.ts';
import type { TargetId } from './target-records.ts';

const gone = 410;

export function createUrlDelivery({ post, secrets }: { post: Poster; secrets: Pick<SigningSecrets, 'current'> }): Deliver {
  return async (target, batch, signal) => {
    const { queue, terms } = target;
    const [message] = batch as [ReceivedMessage];
    const timeout = AbortSignal.timeout(terms.timeoutSeconds * 1000);
    let answer: PostAnswer;
    try {
      answer = await post({
        url: terms.url!,
        id: deliveryId(target, message),
        ...(terms.format === 'cloudevents' ? cloudEventOf(message, queue) : { payload: payloadOf(message, queue) }),
        secrets: await secrets.current(queue),
        signal: AbortSignal.any([signal, timeout]),
        answerBytesMax: 0,
      });
    } catch (error) {
      if (signal.aborted) return noneHandled(batch, undefined);
      // Without a secret, the next message would fail at once, too: it counts against the target, which then rests.
      if (error instanceof StoreError) return noneHandled(batch, { message: reasonOf(error) });
      return allFailed(batch, timeout.aborted ? `no answer within ${terms.timeoutSeconds} s` : reasonOf(error));
    }
    if (isSuccess(answer)) return allDone(batch);
    const text = `HTTP ${answer.status}`;
    if (answer.status === gone) return noneHandled(batch, { ended: text });
    const delaySeconds = retryAfterOf(answer);
    return allFailed(batch, text, delaySeconds === undefined ? {} : { delaySeconds });
  };
}

/** The same id each time the same message is sent. It contains no dots, because dots separate the parts that are signed. */
function deliveryId({ incarnation, name }: TargetId, { id }: ReceivedMessage): string {
  return `msg_${hash('sha256', `${incarnation} ${name} ${id}`).slice(0, 32)}`;
}

/** The message without its receipt: only the dispatcher settles it. */
function payloadOf({ receipt: _, leasedUntil: __, ...message }: ReceivedMessage, queue: string): string {
  return writeJson({ ...message, queue });
}

/** `Retry-After` in seconds, from a number or a date, at most an hour. Undefined, for the backoff, if it asks for no wait. */
function retryAfterOf({ headers }: PostAnswer): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1000);
  return seconds > 0 ? Math.min(seconds, retryAfterSecondsMax) : undefined;
}
