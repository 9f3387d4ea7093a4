/** What errors of connections say of a write's outcome. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { accessFromEnvironment } from '../../../aws/environment.ts';
import { sendRequest } from '../../../aws/request.ts';
import { outcomeOf, retryKindOf } from '../../../engine/dynamo/errors.ts';

const codes = ['EHOSTUNREACH', 'ENETUNREACH'];

function connectionError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

it.each(codes)('%s without a connection means that nothing was written', (code) => {
  expect(outcomeOf(connectionError(code, 'connect'))).toBe('no');
});

it.each(codes)('%s on an established connection leaves the outcome unknown, and is retried', (code) => {
  for (const syscall of ['read', 'write']) {
    const error = connectionError(code, syscall);
    expect(outcomeOf(error)).toBe('unknown');
    expect(retryKindOf(error)).toBe('transient');
  }
});

it.each(['127.0.0.1', 'localhost'])('a connection that %s refuses means that nothing was written', async (host) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const access = accessFromEnvironment('dynamodb', { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: `http://${host}:${port}` });
  const { url, agent } = await access.endpoint();
  const error = await sendRequest({ method: 'POST', url, headers: {}, body: '', agent }).catch((thrown: unknown) => thrown);
  expect(outcomeOf(error)).toBe('no');
  access.close();
});
