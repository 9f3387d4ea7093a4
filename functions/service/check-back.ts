/**
 * Asks the publisher of a prepared message whether to commit it or roll it back. The publisher is a URL (by POST) or a Lambda function. Both
 * receive `{queue, id, body or bodyBase64, attributes, publishedAt, asked}` and must answer
 * `{"outcome": "commit" | "rollback" | "unknown"}` within `checkBackMsMax`. Any other answer counts as `unknown`: the publisher is asked
 * again at the next timeout.
 */
import { hash } from 'node:crypto';
import type { CheckBack } from '../../contract/contract.ts';
import { writeJson } from '../../contract/json-values.ts';
import { checkBackAnswerBytesMax, checkBackMsMax } from '../../contract/limits.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import type { CheckBackMessage, EngineParts } from '../../engine/engine.ts';
import type { Log } from './log.ts';
import { isSuccess, type Poster } from './outgoing-post.ts';
import type { SigningSecrets } from './signing-secrets.ts';

type Answer = 'commit' | 'rollback' | 'unknown';

/** Invokes a Lambda function with `payload` and returns its answer as text. Rejects if the function fails. */
export type Invoke = (functionName: string, payload: string, signal: AbortSignal) => Promise<string>;

export interface CheckBackParts {
  log: Log;
  post: Poster;
  secrets: Pick<SigningSecrets, 'current'>;
  invoke: Invoke;
  msMax?: number;
}

export function createCheckBack({
  log,
  post,
  secrets,
  invoke,
  msMax = checkBackMsMax,
}: CheckBackParts): NonNullable<EngineParts['checkBack']> {
  async function ask(target: CheckBack, message: CheckBackMessage): Promise<string> {
    const payload = writeJson(message);
    const signal = AbortSignal.timeout(msMax);
    if ('functionName' in target) return invoke(target.functionName, payload, signal);
    const answer = await post({
      url: target.url,
      payload,
      id: idOf(message),
      secrets: await secrets.current(message.queue),
      signal,
      answerBytesMax: checkBackAnswerBytesMax,
    });
    if (!isSuccess(answer)) throw new Error(`HTTP ${answer.status}`);
    return answer.body;
  }

  return async (target, message) => {
    const { queue, id, asked } = message;
    try {
      return outcomeOf(await ask(target, message));
    } catch (error) {
      const fields = { kind: 'check_back_failed', queue, id, asked, reason: reasonOf(error) };
      log.warn('A publisher could not be asked about a prepared message', fields);
      return 'unknown';
    }
  };
}

/** The same id each time the same question is sent. It contains no dots, because dots separate the parts that are signed. */
function idOf({ queue, id, asked }: CheckBackMessage): string {
  return `ask_${hash('sha256', `${queue} ${id} ${asked}`).slice(0, 32)}`;
}

function outcomeOf(answer: string): Answer {
  const { outcome } = (JSON.parse(answer) ?? {}) as { outcome?: unknown };
  if (outcome === 'commit' || outcome === 'rollback' || outcome === 'unknown') return outcome;
  throw new Error('the answer has no outcome of commit, rollback or unknown');
}

/** Never includes the answer itself, which may contain anything. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is not JSON';
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof Error ? `${textOfThrown(error)}: ${textOfThrown(cause)}` : textOfThrown(error);
}
