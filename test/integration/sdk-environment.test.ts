/** The transport of `dumbwaiter-queue/aws`, against a whole server, and a server that speaks the protocol of Secrets Manager. */
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { environmentTransport } from '../../sdk/aws/environment-transport.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:key';
let queue: LocalQueue;
let secrets: HttpListener;
let asked: unknown[];
/** What the secret holds; undefined: reading it is refused. */
let secret: string | undefined;

beforeAll(async () => {
  queue = await startLocalQueue();
  secrets = await listen(async (request, response) => {
    asked.push(await json(request));
    response.statusCode = secret === undefined ? 400 : 200;
    response.end(JSON.stringify(secret === undefined ? { __type: 'AccessDeniedException' } : { SecretString: secret }));
  });
});
afterAll(async () => {
  await secrets.close();
  await queue.server.close();
});
beforeEach(() => {
  asked = [];
});

const variables = () => ({
  DUMBWAITER_URL: queue.server.url,
  DUMBWAITER_API_KEY_SECRET: arn,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'a',
  AWS_SECRET_ACCESS_KEY: 's',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
});
const client = (more: Record<string, string> = {}) =>
  new Dumbwaiter({ transport: environmentTransport({ ...variables(), ...more }), retries: 0 });

describe('the transport by environment variables', () => {
  it('the transport reads the API key from its secret once, and calls the queue with it', async () => {
    secret = adminKey;
    const dumbwaiter = client();
    await Promise.all([dumbwaiter.queue('connected').create(), dumbwaiter.queue('other').create()]);
    expect((await dumbwaiter.queue('connected').publish({ body: 1 })).ok).toBe(true);
    expect(asked).toEqual([{ SecretId: arn }]);
  });

  it('the transport reads the secret again after the queue refused the key', async () => {
    secret = 'an-earlier-key';
    const dumbwaiter = client();
    await expect(dumbwaiter.queues().all()).rejects.toMatchObject({ code: 'unauthorized' });
    secret = adminKey;
    await dumbwaiter.queues().all();
    expect(asked).toHaveLength(2);
  });

  it('a call is refused with the reason if the secret may not be read, and the next call tries again', async () => {
    secret = undefined;
    const dumbwaiter = client();
    const refusal = { code: 'unauthorized', message: expect.stringContaining(`${arn}: secretsmanager answered 400`) };
    await expect(dumbwaiter.queues().all()).rejects.toMatchObject(refusal);
    secret = adminKey;
    await dumbwaiter.queues().all();
  });

  it('an API key in the environment takes the place of its secret', async () => {
    await client({ DUMBWAITER_API_KEY: adminKey }).queues().all();
    expect(asked).toEqual([]);
  });

  it('a variable that is missing is named', () => {
    expect(() => environmentTransport({})).toThrow('DUMBWAITER_URL is not set');
    expect(() => environmentTransport({ DUMBWAITER_URL: queue.server.url })).toThrow('DUMBWAITER_API_KEY_SECRET is not set');
  });
});
