/** Invokes the redrive function asynchronously to continue a task. Lambda queues the event, and retries it twice if the function fails. */
export interface RedriveEvent {
  queue: string;
  task: string;
}

export async function invokeRedrive(functionName: string, event: RedriveEvent): Promise<void> {
  // Loaded on demand: no other call needs it.
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({});
  try {
    await client.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload: JSON.stringify(event) }));
  } finally {
    client.destroy();
  }
}
