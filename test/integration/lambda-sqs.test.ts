/** The Lambda entry of SQS, behind an HTTP server that makes API Gateway's events, with the AWS SDK's client. */
import { text } from 'node:stream/consumers';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createSigner } from '../../aws/signature.ts';
import type { OutputOf } from '../../contract/contract.ts';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import type { InvocationAnswer } from '../../functions/lambda/invocation.ts';
import { startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { startGateway } from '../support/gateway.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';

const context: LambdaContext = {
  awsRequestId: 'f0a1b2c3-0000-4000-8000-000000000000',
  functionName: 'sqs',
  getRemainingTimeInMillis: () => 29_000,
};
const secretArn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:AccessKeySecret';
const clients: SQSClient[] = [];

let dynamodb: TestDynamodb;
let secretsManager: HttpListener;
let secretsFail: boolean;
let gateway: HttpListener;
let api: (event: unknown, context: LambdaContext) => Promise<unknown>;

beforeAll(async () => {
  dynamodb = await startTestDynamodb();
  secretsManager = await listen(async (request, response) => {
    const { SecretId } = JSON.parse(await text(request));
    if (secretsFail) response.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException' }));
    else response.end(JSON.stringify({ SecretString: `the text of ${SecretId}` }));
  });
  Object.assign(process.env, {
    ...dynamodb.environment,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    DUMBWAITER_ACCESS_KEY_SECRET: secretArn,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  });
  // The entries read the environment when they load, as on Lambda.
  ({ handler: api } = await import('../../functions/lambda/api.ts'));
  const { handler: sqs } = await import('../../functions/lambda/sqs.ts');
  gateway = await startGateway(sqs, context);
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await gateway.close();
  await secretsManager.close();
  await dynamodb.stop();
});
beforeEach(() => {
  secretsFail = false;
});

type Pair = Pick<OutputOf<'createKey'>, 'accessKeyId' | 'secretAccessKey'>;

async function newPair(): Promise<Pair> {
  const input = { name: 'shop', queues: ['*'], scopes: ['publish', 'receive', 'admin'], accessKey: true };
  const answer = (await api({ operation: 'createKey', params: {}, input }, context)) as InvocationAnswer;
  if (!answer.ok || !('output' in answer)) throw new Error(JSON.stringify(answer));
  return answer.output as OutputOf<'createKey'>;
}

function clientOf({ accessKeyId = '', secretAccessKey = '' }: Pair, endpoint = gateway.url): SQSClient {
  const client = new SQSClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
  clients.push(client);
  return client;
}

it('the SQS function sends, receives and deletes a message for an access key that the api function issued', async () => {
  const sqs = clientOf(await newPair());
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'orders' }));
  expect(QueueUrl).toBe(`${gateway.url.replace('http:', 'https:')}/000000000000/orders`);
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'größe ""' }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  expect(Messages).toMatchObject([{ Body: 'größe ""' }]);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages![0]!.ReceiptHandle }));
  expect(await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).not.toHaveProperty('Messages');
});

it('the SQS function answers under the path of a stage, and its queue URLs begin with it', async () => {
  const pair = await newPair();
  await clientOf(pair).send(new CreateQueueCommand({ QueueName: 'staged' }));
  const sqs = clientOf(pair, `${gateway.url}/prod`);
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'staged' }));
  expect(QueueUrl).toBe(`${gateway.url.replace('http:', 'https:')}/prod/000000000000/staged`);
  expect(await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' }))).toHaveProperty('MessageId');
});

it('the SQS function takes a signed form of the Query protocol, which API Gateway passes on in base64', async () => {
  const { accessKeyId = '', secretAccessKey = '' } = await newPair();
  const { host } = new URL(gateway.url);
  const body = new URLSearchParams({ Action: 'CreateQueue', Version: '2012-11-05', QueueName: 'by-form' }).toString();
  const unsigned = {
    method: 'POST',
    path: '/',
    headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  };
  const terms = { credentials: { accessKeyId, secretAccessKey }, region: 'us-east-1', at: Date.now() };
  const headers = createSigner('sqs')(unsigned, terms) as Record<string, string>;
  const response = await fetch(gateway.url, { method: 'POST', headers, body });
  expect(await response.text()).toContain(`<QueueUrl>https://${host}/000000000000/by-form</QueueUrl>`);
});

it('the SQS function refuses a wrong secret and an unknown access key', async () => {
  const pair = await newPair();
  const list = new GetQueueUrlCommand({ QueueName: 'orders' });
  const wrong = clientOf({ ...pair, secretAccessKey: `${pair.secretAccessKey}x` });
  await expect(wrong.send(list)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
  const unknown = clientOf({ accessKeyId: 'DWAK000000000000', secretAccessKey: 'any' });
  await expect(unknown.send(list)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
});

it('the SQS function answers a request that is no call of SQS with a problem, as the HTTP API does', async () => {
  const response = await fetch(`${gateway.url}/queues`);
  expect(response.status).toBe(404);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ code: 'not_found' });
});

it('a function that cannot read the secret of access keys answers unavailable, and reads it again for the next call', async () => {
  const pair = await newPair();
  const { createEnvironment } = await import('../../functions/lambda/environment.ts');
  const { keys } = createEnvironment('another-process');
  secretsFail = true;
  const key = await keys.find(pair.accessKeyId!.slice('DWAK'.length).toLowerCase());
  await expect(keys.pairOf(key!)).rejects.toMatchObject({ code: 'unavailable' });
  secretsFail = false;
  expect(await keys.pairOf(key!)).toMatchObject({ secretAccessKey: pair.secretAccessKey });
});
