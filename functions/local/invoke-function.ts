/** Invokes a Lambda function from the local server, with the user's AWS credentials. */
export async function invokeFunction(functionName: string, payload: string, signal: AbortSignal): Promise<string> {
  // Loaded on demand: few local servers ask a function.
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
