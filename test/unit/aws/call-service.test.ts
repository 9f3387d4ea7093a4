/** Calls of services that are called rarely: which answers are worth another attempt. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accessFromEnvironment } from '../../../aws/environment.ts';
import { readSecret } from '../../../aws/read-secret.ts';
import type { ServiceAccess } from '../../../aws/service-access.ts';
import { type HttpListener, listen } from '../../support/http-listener.ts';

let server: HttpListener;
let access: ServiceAccess;
let answers: { status: number; body: object }[];
let requests: number;

beforeEach(async () => {
  requests = 0;
  server = await listen((request, response) => {
    requests++;
    request.resume();
    const { status, body } = answers.shift() ?? { status: 200, body: { SecretString: 'secret' } };
    response.writeHead(status).end(JSON.stringify(body));
  });
  access = accessFromEnvironment('secretsmanager', {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
    AWS_ENDPOINT_URL: server.url,
  });
});
afterEach(async () => {
  access.close();
  await server.close();
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
