/** Has the redrive function go on with a task, without waiting for it: Lambda keeps the event, and tries twice more if it fails. */
export interface RedriveEvent {
  queue: string;
  task: string;
}

export async function invokeRedrive(functionName: string, event: RedriveEvent): Promise<void> {
  // Loaded here: no other call needs it.
  const { InvokeCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({});
  try {
    await client.send(new InvokeCommand({ FunctionName: functionName, InvocationType: 'Event', Payload: JSON.stringify(event) }));
  } finally {
    client.destroy();
  }
}
