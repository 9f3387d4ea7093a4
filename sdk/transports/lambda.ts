/** `dumbwaiter-queue/lambda`: invokes the api function directly, with IAM instead of API keys and without API Gateway. */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { OutputOf, Transport } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError, type ErrorCode } from '../../contract/errors.ts';
import { readAnswer } from '../../contract/json-text.ts';
import { stringify } from '../../contract/json-values.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { isMisconfiguration, textOfThrown } from '../../contract/thrown.ts';
import { withDeadline } from '../calls/deadline.ts';
import { isErrorCode } from './problem.ts';

export interface LambdaTransportOptions {
  /** Name or ARN of the deployed api function. The caller needs `lambda:InvokeFunction` on it. */
  functionName: string;
  /** Default: a client with the environment's region and credentials and without retries, because the SDK retries itself. */
  client?: LambdaClient;
}

type Answer =
  | { ok: true; outputText: string }
  | { ok: false; error: { code: string; message: string; requestId?: string; retryAfterMs?: number } };

const lambdaNames: Names<LambdaTransportOptions> = { functionName: true, client: true };

/**
 * Creates a transport that invokes the api function. The payload is `{operation, params, inputText}`, the response `{ok: true,
 * outputText}` or `{ok: false, error}`. Input and output travel as text, because Lambda parses payloads and would lose digits.
 * @throws TypeError for an unknown option
 */
export function lambdaTransport(options: LambdaTransportOptions): Transport {
  checkNames('lambdaTransport', options, lambdaNames);
  const { functionName, client = new LambdaClient({ maxAttempts: 1 }) } = options;
  return {
    async call(operation, params, input, { signal, timeoutMs, texts } = {}) {
      const payload = JSON.stringify({ operation, params, inputText: stringify(input) });
      const { text, functionError, requestId } = await withDeadline({ signal, timeoutMs }, (ending) =>
        invoke(client, functionName, payload, ending),
      );
      if (functionError) throw refusalOfCrash(text, requestId);
      const answer = answerOf(text, requestId);
      if (!answer.ok) throw refusalOf(answer.error);
      return (texts ? readAnswer(answer.outputText) : JSON.parse(answer.outputText)) as OutputOf<typeof operation>;
    },
  };
}

async function invoke(client: LambdaClient, functionName: string, payload: string, signal: AbortSignal) {
  try {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: new TextEncoder().encode(payload) });
    const { Payload, FunctionError, $metadata } = await client.send(command, { abortSignal: signal });
    return { text: new TextDecoder().decode(Payload), functionError: FunctionError, requestId: $metadata.requestId };
  } catch (error) {
    throw refusalOfInvoke(error, functionName);
  }
}

/** Error names: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors */
const codeOfName: Readonly<Record<string, ErrorCode>> = {
  TooManyRequestsException: 'throttled',
  RequestTooLargeException: 'payload_too_large',
  ResourceNotFoundException: 'not_found',
  CredentialsProviderError: 'unauthorized',
};
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_input',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  413: 'payload_too_large',
  429: 'throttled',
};

interface InvokeError {
  name?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  retryAfterSeconds?: string;
}

function refusalOfInvoke(error: unknown, functionName: string): DumbwaiterError {
  const { name = '', $metadata, retryAfterSeconds } = (error ?? {}) as InvokeError;
  const otherwise = isMisconfiguration(error) ? 'invalid_input' : 'unavailable';
  const code = codeOfName[name] ?? codeOfStatus[$metadata?.httpStatusCode ?? 0] ?? otherwise;
  const retryAfterMs = Number(retryAfterSeconds ?? Number.NaN) * 1000;
  return new DumbwaiterError(code, `Invoking ${functionName}: ${textOfThrown(error)}`, {
    cause: error,
    ...($metadata?.requestId && { requestId: $metadata.requestId }),
    ...(retryAfterMs >= 0 && { retryAfterMs }),
  });
}

/** The function ended without a response. Out of time or memory may be transient; a thrown exception is a defect. */
function refusalOfCrash(text: string, requestId: string | undefined): DumbwaiterError {
  const { errorType = '', errorMessage = text } = (parsed(text) ?? {}) as { errorType?: string; errorMessage?: string };
  const isTransient = /timed out|Sandbox\.Timedout|Runtime\.ExitError|OutOfMemory/i.test(`${errorType} ${errorMessage}`);
  return new DumbwaiterError(isTransient ? 'unavailable' : 'internal', `The function failed: ${errorMessage}`, {
    ...(requestId && { requestId }),
  });
}

function answerOf(text: string, requestId: string | undefined): Answer {
  const answer = parsed(text) as Answer | undefined;
  const isOurs = answer?.ok === true ? typeof answer.outputText === 'string' : answer?.ok === false;
  if (isOurs) return answer as Answer;
  throw new DumbwaiterError('internal', 'The function returned an unknown answer. Is it the api function of a Dumbwaiter?', {
    ...(requestId && { requestId }),
  });
}

function refusalOf({ code, message, requestId, retryAfterMs }: Extract<Answer, { ok: false }>['error']): DumbwaiterError {
  return new DumbwaiterError(isErrorCode(code) ? code : 'internal', message, defined({ requestId, retryAfterMs }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
