/** The example's functions, and a URL, as targets of deployed queues: woken by the tables' streams, and by the sweep for what failed. */

import { InvokeCommand, LambdaClient, ListFunctionsCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { QueueClient } from '../../sdk/index.ts';
import { type PushReceiver, startPushReceiver } from '../support/push-receiver.ts';
import { type Clients, createClients, onEmulator, secretText } from './clients.ts';
import { createDeployment, type Deployment, type Outputs } from './deployment.ts';
import { until } from './emulator.ts';

/** Less than a minute: three messages, one after the other, cannot all wait for the sweep of each minute. */
const streamMsMax = 55_000;
/** The first receive, and the second one after a backoff, by the sweep. */
const redeliveryMsMax = 110_000;

const account = inject('account');
let deployment: Deployment;
let outputs: Outputs;
let clients: Clients;
let receiver: PushReceiver;

beforeAll(async () => {
  deployment = await createDeployment(account, { stack: 'DumbwaiterConsumers', app: 'node test/e2e/consumer-app.ts' });
  outputs = await deployment.deployWith({});
  clients = await createClients(account, outputs);
  receiver = await startPushReceiver();
});

afterAll(async () => {
  await receiver?.close();
  await deployment?.clean();
});

async function publish(queue: QueueClient, bodies: unknown[]): Promise<string[]> {
  const results = await queue.publish(bodies.map((body) => ({ body: body as never })));
  return results.map((result) => (result.ok ? result.id : ''));
}

async function untilDone(queue: QueueClient, ids: string[], msMax: number): Promise<void> {
  const states = () => Promise.all(ids.map(async (id) => (await queue.get(id)).state));
  await until(async () => (await states()).every((state) => state === 'done'), msMax, `all messages in ${queue.name} are done`);
}

async function untilDead(id: string): Promise<object> {
  const failed = clients.http.queue('failed');
  const find = () => failed.get(id).catch((error) => (error.code === 'message_not_found' ? undefined : Promise.reject(error)));
  await until(async () => (await find()) !== undefined, redeliveryMsMax, 'the message is in the dead-letter queue');
  return failed.get(id);
}

test('the stream of published messages has the function in TypeScript invoked for each', async () => {
  const orders = clients.http.queue('orders');
  const startedAt = performance.now();
  for (const order of [1, 2, 3]) {
    const left = streamMsMax - (performance.now() - startedAt);
    await untilDone(orders, await publish(orders, [{ order, amount: 10 }]), left);
  }
});

test('a connected function publishes with the key of its queue, which it reads from its secret and which covers no other queue', async () => {
  const lambda = new LambdaClient(account);
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
  const { FunctionName, Environment } = Functions.find((one) => one.FunctionName?.startsWith('DumbwaiterConsumers-Checkout'))!;
  const variables = Environment!.Variables!;
  // The host of the URL is reached by another name here.
  const reachable = { ...variables, DUMBWAITER_URL: onEmulator(account, variables.DUMBWAITER_URL!) };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables: reachable } }));
  const Payload = JSON.stringify({ order: 7, amount: 10 });
  const answer = JSON.parse(Buffer.from((await lambda.send(new InvokeCommand({ FunctionName, Payload }))).Payload!).toString());
  expect(answer).toMatchObject({ id: expect.any(String) });
  await untilDone(clients.http.queue('orders'), [answer.id], streamMsMax);
  const key = await secretText(account, variables.DUMBWAITER_API_KEY_SECRET!);
  await expect(clients.withKey(key).queue('mails').publish({ body: 1 })).rejects.toMatchObject({ code: 'forbidden' });
  await expect(clients.withKey(key).queue('orders').receive()).rejects.toMatchObject({ code: 'forbidden' });
});

test('another app imports the deployment, gets a key for one queue, and loses it with its stack', async () => {
  const app = 'node test/e2e/importing-app.ts';
  const importing = await createDeployment(account, { stack: 'DumbwaiterImporting', app });
  try {
    const { KeySecretArn } = await importing.deployWith({ outputs: JSON.stringify(outputs) });
    const key = await secretText(account, KeySecretArn);
    expect(
      await clients
        .withKey(key)
        .queue('orders')
        .publish({ body: { order: 8, amount: 10 } }),
    ).toMatchObject({ ok: true });
    await expect(clients.withKey(key).queue('mails').publish({ body: 1 })).rejects.toMatchObject({ code: 'forbidden' });
    const names = async () => (await clients.http.keys.list().all()).map(({ name }) => name);
    expect(await names()).toContainEqual(expect.stringContaining('DumbwaiterImporting'));
    await importing.destroy();
    expect(await names()).not.toContainEqual(expect.stringContaining('DumbwaiterImporting'));
  } finally {
    await importing.clean();
  }
});

// Each waits for the next sweep.
describe.concurrent('failures and URLs', () => {
  test('of a batch, the messages that the function reports are delivered again and dead-lettered, and the others are done', async () => {
    const orders = clients.http.queue('orders');
    const [good, bad, other] = await publish(orders, [
      { order: 4, amount: 10 },
      { order: 5, amount: 0 },
      { order: 6, amount: 7 },
    ]);
    await untilDone(orders, [good!, other!], streamMsMax);
    expect(await untilDead(bad!)).toMatchObject({
      body: { order: 5 },
      deadLetter: {
        queue: 'orders',
        reason: 'max_receives',
        receives: 2,
        text: 'the function reported that this message failed',
      },
    });
  });

  test('a batch whose function in Python raises is delivered again and dead-lettered, with the error as its reason', async () => {
    const mails = clients.http.queue('mails');
    const ids = await publish(mails, [{ to: 'nowhere' }, { to: 'a@example.com' }]);
    for (const id of ids) {
      expect(await untilDead(id)).toMatchObject({
        deadLetter: { queue: 'mails', receives: 2, text: expect.stringContaining('nowhere is no address') },
      });
    }
    await untilDone(mails, await publish(mails, [{ to: 'b@example.com' }]), redeliveryMsMax);
  });

  test('a URL that is put over the API gets signed messages, and its host must be on the list of allowed hosts', async () => {
    const hooks = clients.http.queue('hooks');
    await expect(hooks.targets.put('other', { url: 'http://localhost:1/hook' })).rejects.toMatchObject({ code: 'invalid_input' });
    const secret = await hooks.rotateSigningSecret();
    await hooks.targets.put('here', { url: `${receiver.url}/hook` });
    const ids = await publish(hooks, [{ note: 'hello' }]);
    await untilDone(hooks, ids, redeliveryMsMax);
    const [{ text, headers, path } = { text: '', headers: {}, path: '' }] = receiver.requests;
    expect(path).toBe('/hook');
    expect(new Webhook(secret).verify(text, headers)).toMatchObject({ id: ids[0], queue: 'hooks', body: { note: 'hello' } });
  });
});

test('a deployment without the consumers removes their targets and revokes their keys, and keeps those of the API', async () => {
  const keys = async () => (await clients.http.keys.list().all()).map(({ queues, scopes }) => ({ queues, scopes }));
  expect(await keys()).toEqual([{ queues: ['orders'], scopes: ['publish'] }]);
  const namesOf = async (queue: string) => (await clients.http.queue(queue).targets.list()).map(({ name }) => name);
  expect(await namesOf('orders')).toEqual(['Charge']);
  expect(await namesOf('mails')).toEqual(['Send']);
  await deployment.deployWith({ consumers: 'none' });
  expect(await namesOf('orders')).toEqual([]);
  expect(await namesOf('mails')).toEqual([]);
  expect(await namesOf('hooks')).toEqual(['here']);
  expect(await keys()).toEqual([]);
  await deployment.destroy();
}, 240_000);
