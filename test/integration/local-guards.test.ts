import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { engineOf } from '../support/local-program.ts';
import { adminKey, loggedDefects } from '../support/local-queue.ts';

let folder: string;
let server: LocalServer;
const start = () =>
  startLocal({
    data: { folder: join(folder, 'data') },
    dynamodb: true,
    log: loggedDefects().log,
    adminKey,
    allowedHosts: ['mq.example'],
  });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-guards-'));
  server = await start();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** A request with headers that `fetch` does not let a caller set. */
function send(url: string, headers: Record<string, string>, method = 'GET'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers }, async (response) =>
      resolve({ status: response.statusCode!, body: await text(response) }),
    );
    outgoing.on('error', reject);
    outgoing.end(method === 'POST' ? '{}' : undefined);
  });
}

function tablesFor(accessKeyId: string): Promise<string[] | undefined> {
  const { endpoint, region } = server.dynamodb!;
  const client = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey: 'any' }, maxAttempts: 1 });
  return client
    .send(new ListTablesCommand())
    .then(({ TableNames }) => TableNames)
    .finally(() => client.destroy());
}

describe('the DynamoDB endpoint of the local server', () => {
  const signed = () => ({
    'x-amz-target': 'DynamoDB_20120810.ListTables',
    authorization: `AWS4-HMAC-SHA256 Credential=${server.dynamodb!.accessKeyId}/20300101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0`,
  });

  it('the DynamoDB endpoint serves an AWS client that has the access key and refuses one with another', async () => {
    expect(await tablesFor(server.dynamodb!.accessKeyId!)).toContain('dumbwaiter-queues');
    await expect(tablesFor('local')).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
  });

  it.each<[string, string, Record<string, string>]>([
    ['a web page that sends a request with the access key', 'POST', { origin: 'http://evil.example' }],
    ['a web page of a local port', 'POST', { origin: 'http://127.0.0.1:5173' }],
    ['a preflight request', 'OPTIONS', { origin: 'http://evil.example', 'access-control-request-method': 'POST' }],
    ['a foreign Host header', 'POST', { host: 'evil.example' }],
    ['a foreign Host header that begins like a loopback address', 'POST', { host: '127.0.0.1.evil.example' }],
    ['a request without a signature', 'POST', { authorization: '' }],
    ['a GET request', 'GET', {}],
  ])('the DynamoDB endpoint refuses %s', async (_, method, headers) => {
    const { status, body } = await send(server.dynamodb!.endpoint, { ...signed(), ...headers }, method);
    expect(status).toBe(400);
    expect(body).toContain('UnrecognizedClientException');
  });

  it('the DynamoDB endpoint forwards only to its engine, whatever host and path the request line names', async () => {
    const { hostname, port } = new URL(server.dynamodb!.endpoint);
    const socket = connect(Number(port), hostname);
    const { authorization } = signed();
    socket.write(
      `POST http://127.0.0.1:1/elsewhere HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n` +
        'X-Amz-Date: 20300101T000000Z\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    expect(await text(socket)).toContain('dumbwaiter-queues');
  });

  it('the DynamoDB endpoint hides its engine on an address that is not printed', async () => {
    const pid = await engineOf(join(folder, 'data', 'dynamodb.sqlite'));
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    const address = words[words.indexOf('--host') + 1];
    expect(address).toMatch(/^127\.\d+\.\d+\.\d+$/);
    expect(address).not.toBe('127.0.0.1');
  });

  it('the DynamoDB endpoint keeps its port and access key over a restart in the same folder', async () => {
    const before = server.dynamodb;
    await server.close();
    server = await start();
    expect(server.dynamodb).toEqual(before);
  });
});

describe('the data folder', () => {
  it('the data folder and each file in it can be read by the owner only', async () => {
    const data = join(folder, 'data');
    expect((await stat(data)).mode & 0o777).toBe(0o700);
    const names = await readdir(data);
    expect(names).toEqual(expect.arrayContaining(['dynamodb.sqlite', 'local.json', 'lock']));
    for (const name of names) expect([name, (await stat(join(data, name))).mode & 0o077]).toEqual([name, 0]);
  });
});

describe('the HTTP API on a loopback address', () => {
  it.each([
    'localhost',
    'localhost:8420',
    'app.localhost',
    '[::1]:8420',
    '127.0.0.1',
    'mq.example',
    'MQ.example:80',
  ])('the local server answers a request with the Host %s', async (host) => {
    expect((await send(`${server.url}/v1/health`, { host })).status).toBe(200);
  });

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '169.254.169.254',
  ])('the local server refuses the Host %s on every path and says how to allow it', async (host) => {
    for (const path of ['/v1/health', '/v1/openapi.json', '/v1/queues', '/nowhere']) {
      const { status, body } = await send(`${server.url}${path}`, { host, authorization: `Bearer ${adminKey}` });
      expect(status).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ code: 'forbidden', detail: expect.stringContaining(`--allow-host ${host}`) });
    }
  });

  it.each([
    'a/b',
    'user@localhost',
    'local host',
    '1.2.3.4.5',
    'localhost:99999',
  ])('the local server refuses the Host %s, which is no host name, to clients of both APIs', async (host) => {
    const ofHttp = await send(`${server.url}/v1/health`, { host });
    expect([ofHttp.status, JSON.parse(ofHttp.body)]).toMatchObject([400, { code: 'invalid_input' }]);
    const ofSqs = await send(server.url, { host, 'x-amz-target': 'AmazonSQS.ListQueues' }, 'POST');
    expect([ofSqs.status, JSON.parse(ofSqs.body)]).toMatchObject([
      400,
      { __type: expect.stringMatching('InvalidParameterValue') },
    ]);
  });

  it('the local server answers an HTTP/1.0 request without a Host header', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.end('GET /v1/health HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.[01] 200 /);
  });

  it.each([
    [{ 'x-forwarded-prefix': '/mq' }, 'http://localhost/mq'],
    [{ 'x-forwarded-prefix': '/a/b/', 'x-forwarded-proto': 'https' }, 'https://localhost/a/b'],
    [{ 'x-forwarded-prefix': '//evil.example' }, 'http://localhost'],
    [{ 'x-forwarded-prefix': '/a?b', 'x-forwarded-proto': 'javascript' }, 'http://localhost'],
  ])('the local server names the URL of its callers behind a proxy that sends %o', async (headers, url) => {
    const { body } = await send(`${server.url}/v1/openapi.json`, { host: 'localhost', ...headers });
    expect(JSON.parse(body).servers).toEqual([{ url }]);
  });
});
