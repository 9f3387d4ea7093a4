/**
 * Asks the publisher of a prepared message what he meant with it, by POST to a URL or by invoking a Lambda function. Both are handed
 * `{queue, id, body or bodyBase64, attributes, publishedAt, asked}`, and answer `{"outcome": "commit" | "rollback" | "unknown"}` within
 * `checkBackMsMax`. Whatever else comes of it is `unknown`: he is asked again at the next time-out.
 */
import type { CheckBackMessage, EngineParts } from '../engine/engine.ts';
import type { CheckBack } from '../sdk/contract.ts';
import { writeJson } from '../sdk/json-text.ts';
import { checkBackAnswerBytesMax, checkBackMsMax } from '../sdk/limits.ts';
import { textOfThrown } from '../sdk/thrown.ts';
import type { Log } from './log.ts';

type Outcome = 'commit' | 'rollback' | 'unknown';

/** Hands `payload` to a Lambda function and answers its own answer, as text. Rejects if it failed. */
export type Invoke = (functionName: string, payload: string, signal: AbortSignal) => Promise<string>;

export interface CheckBackParts {
  log: Log;
  invoke?: Invoke;
  msMax?: number;
}

export function createCheckBack({
  log,
  invoke = invokeFunction,
  msMax = checkBackMsMax,
}: CheckBackParts): NonNullable<EngineParts['checkBack']> {
  return async (target: CheckBack, message: CheckBackMessage) => {
    const { queue, id, asked } = message;
    const payload = writeJson(message);
    const signal = AbortSignal.timeout(msMax);
    try {
      const answer =
        'url' in target ? await post(target.url, payload, signal) : await invoke(target.functionName, payload, signal);
      return outcomeOf(answer);
    } catch (error) {
      log.warn('A publisher could not be asked about a prepared message', { queue, id, asked, reason: reasonOf(error) });
      return 'unknown';
    }
  };
}

function outcomeOf(answer: string): Outcome {
  const { outcome } = (JSON.parse(answer) ?? {}) as { outcome?: unknown };
  if (outcome === 'commit' || outcome === 'rollback' || outcome === 'unknown') return outcome;
  throw new Error('the answer has no outcome of commit, rollback or unknown');
}

/** Redirects are not followed: what an administrator named is called, and nothing that it points to. */
async function post(url: string, payload: string, signal: AbortSignal): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: payload, redirect: 'error', signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`HTTP ${response.status}`);
  }
  return read(response);
}

/** No more than an answer takes: the rest is for nobody. */
async function read({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > checkBackAnswerBytesMax) throw new Error(`the answer has more than ${checkBackAnswerBytesMax} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

async function invokeFunction(functionName: string, payload: string, signal: AbortSignal): Promise<string> {
  // Loaded here: most deployments never ask.
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({ maxAttempts: 1 });
  try {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: payload });
    const { FunctionError, Payload } = await client.send(command, { abortSignal: signal });
    if (FunctionError !== undefined) throw new Error(`the function failed: ${FunctionError}`);
    return Payload?.transformToString() ?? '';
  } finally {
    client.destroy();
  }
}

/** Never the answer itself: it may be anything. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is no JSON';
  const { cause } = (error ?? {}) as { cause?: unknown };
  return cause instanceof Error ? `${textOfThrown(error)}: ${textOfThrown(cause)}` : textOfThrown(error);
}
