/** Invokes Lambda functions from the local server, with the user's AWS credentials. */

const checkMsMax = 3_000;

type Input = { FunctionName: string; Payload?: string; InvocationType?: 'DryRun' };

/** The function's answer. Rejects if the function failed (FunctionError), or could not be invoked. */
export async function invokeFunction(functionName: string, payload: string, signal: AbortSignal): Promise<string> {
  const { FunctionError, Payload } = await send({ FunctionName: functionName, Payload: payload }, signal);
  const answer = Payload?.transformToString() ?? '';
  if (FunctionError === undefined) return answer;
  throw Object.assign(new Error(`the function failed: ${FunctionError}`), { name: 'FunctionError', answer });
}

/** Rejects if Lambda does not know the function, or does not say. Does not run it. */
export async function checkFunction(functionName: string): Promise<void> {
  await send({ FunctionName: functionName, InvocationType: 'DryRun' }, AbortSignal.timeout(checkMsMax));
}

async function send(input: Input, signal: AbortSignal) {
  // Loaded on demand: few local servers invoke a function.
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({ maxAttempts: 1 });
  try {
    return await client.send(new InvokeCommand(input), { abortSignal: signal });
  } finally {
    client.destroy();
  }
}
