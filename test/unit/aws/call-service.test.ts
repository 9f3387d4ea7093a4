/** Calls of services that are called rarely: which answers are worth another attempt. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accessFromEnvironment } from '../../../aws/environment.ts';
import { readSecret } from '../../../aws/read-secret.ts';
import type { ServiceAccess } from '../../../aws/service-access.ts';

let server: Server;
let access: ServiceAccess;
let answers: { status: number; body: object }[];
let requests: number;

beforeEach(async () => {
  requests = 0;
  server = createServer((request, response) => {
    requests++;
    request.resume();
    const { status, body } = answers.shift() ?? { status: 200, body: { SecretString: 'secret' } };
    response.writeHead(status).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  access = accessFromEnvironment('secretsmanager', {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
});
afterEach(async () => {
  access.close();
  server.close();
  await once(server, 'close');
});

it.each([
  { status: 400, body: { __type: 'ThrottlingException', message: 'Rate exceeded' } },
  { status: 429, body: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' } },
  { status: 503, body: {} },
])('a call that is answered with $status $body is sent again', async (answer) => {
  answers = [answer];
  expect(await readSecret(access, 'arn')).toBe('secret');
  expect(requests).toBe(2);
});

it('a call that the service refuses is not sent again', async () => {
  answers = [{ status: 400, body: { __type: 'ResourceNotFoundException', Message: 'no such secret: ThrottlingException' } }];
  await expect(readSecret(access, 'arn')).rejects.toMatchObject({ name: 'ServiceError' });
  expect(requests).toBe(1);
});
