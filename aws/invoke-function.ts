/** Invokes Lambda functions: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
import { callService } from './call-service.ts';
import type { ServiceAccess } from './service-access.ts';
import { encodeSegment } from './signature.ts';

/** The longest that a function runs. */
const functionMsMax = 900_000;

export interface Invocation {
  /** A name or an ARN. */
  functionName: string;
  payload: string;
  /** `Event`: Lambda queues the payload, and answers at once. */
  /** `DryRun`: checks that the function exists and may be invoked, and does not run it. */
  type: 'RequestResponse' | 'Event' | 'DryRun';
  /** Default: as long as a function may run. */
  msMax?: number;
  signal?: AbortSignal;
}

/** The function ran, and failed. `answer` is what Lambda says about the failure. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
  readonly answer: string;

  constructor(kind: string, answer: string) {
    super(`the function failed: ${kind}`);
    this.answer = answer;
  }
}

/** The function's answer; empty for an event. Rejects if the function failed, or could not be invoked. */
export async function invokeFunction(
  access: ServiceAccess,
  { functionName, payload, type, signal, msMax = functionMsMax }: Invocation,
): Promise<string> {
  const { headers, body } = await callService(access, {
    service: 'lambda',
    path: `/2015-03-31/functions/${encodeSegment(functionName)}/invocations`,
    headers: { 'content-type': 'application/octet-stream', 'x-amz-invocation-type': type },
    body: payload,
    // A synchronous call that is repeated runs the function twice.
    ...(type === 'Event' ? {} : { attempts: 1, ownConnection: true, msMax }),
    ...(signal && { signal }),
  });
  const failure = headers['x-amz-function-error'];
  if (failure !== undefined) throw new FunctionError(String(failure), body.toString());
  return body.toString();
}
