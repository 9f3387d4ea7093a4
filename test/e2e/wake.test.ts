/** Wake-ups as deployed: API Gateway's WebSocket, the streams of the tables, and the function between them, on the emulator. */
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Consumer, Dumbwaiter, type QueueClient } from '../../sdk/index.ts';
import { eventually } from '../support/eventually.ts';
import { untilListening } from '../support/idle-consumer.ts';
import { ManualTimers } from '../support/manual-timers.ts';
import { type Clients, createClients } from './clients.ts';
import { createDeployment, type Deployment, type Outputs } from './deployment.ts';

const account = inject('account');
let deployment: Deployment;
let outputs: Outputs;
let clients: Clients;
let queue: QueueClient<string>;
let consumer: Consumer<string> | undefined;

beforeAll(async () => {
  deployment = await createDeployment(account, { stack: 'DumbwaiterWake' });
  outputs = await deployment.deployWith({
    queues: JSON.stringify({ orders: {}, others: {} }),
    wakeUps: 'true',
    removable: 'true',
  });
  clients = await createClients(account, outputs);
  queue = clients.http.queue<string>('orders');
  await pointToEmulator();
});

afterAll(async () => {
  await consumer?.stop({ deadlineMs: 0 });
  await deployment?.destroy();
  await deployment?.clean();
});

/** The host name of the WebSocket API does not resolve here. The emulator serves the API under this path, too. */
const onEmulator = (url: string) =>
  url.replace(
    /^(ws|http)s:\/\/(\w+)\.execute-api\.[^/]+/,
    (_, scheme: string, api: string) => `${account.endpoint.replace('http', scheme)}/_aws/execute-api/${api}`,
  );

async function pointToEmulator(): Promise<void> {
  const lambda = new LambdaClient(account);
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand());
  const { FunctionName } = Functions.find(({ FunctionName }) => FunctionName!.includes('FunctionsWake'))!;
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI = onEmulator(Environment!.Variables!.DUMBWAITER_WAKE_ENDPOINT!);
  const Variables = { ...Environment!.Variables, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  lambda.destroy();
}

test('an idle consumer is woken by a publish through the streams, without any poll', async () => {
  const timers = new ManualTimers();
  const got: string[] = [];
  let receives = 0;
  const send: typeof fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (!String(url).endsWith('/receive')) return response;
    receives++;
    return new Response((await response.text()).replace(/wss:[^"]+/, onEmulator), response);
  };
  const { apiKey, url } = {
    apiKey: clients.adminKey,
    url: `${account.endpoint}/_aws/execute-api/${new URL(outputs.ApiUrl).hostname.split('.')[0]}/$default`,
  };
  consumer = new Dumbwaiter({ url, apiKey, timers, fetch: send })
    .queue<string>('orders')
    .consume(({ body }) => void got.push(body), { wake: true, visibilityTimeoutSeconds: 60 });
  for (const body of ['first', 'second']) {
    await untilListening(timers);
    const before = receives;
    await clients.http.queue('others').publish({ body: 'for others' });
    expect(receives).toBe(before);
    await queue.publish({ body });
    await eventually(() => got.includes(body));
  }
  expect(got).toEqual(['first', 'second']);
});
