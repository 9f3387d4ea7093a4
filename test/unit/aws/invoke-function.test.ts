/** Invocations of functions over connections that Lambda may have closed. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accessFromEnvironment } from '../../../aws/environment.ts';
import { invokeFunction } from '../../../aws/invoke-function.ts';
import type { ServiceAccess } from '../../../aws/service-access.ts';
import { type HttpListener, listen } from '../../support/http-listener.ts';

let server: HttpListener;
let access: ServiceAccess;
/** The client's port of each request. */
let ports: number[];

beforeEach(async () => {
  ports = [];
  // Ends a connection at its second request, as if it had been closed while the client was frozen.
  server = await listen((request, response) => {
    const port = request.socket.remotePort!;
    const isKept = ports.includes(port);
    ports.push(port);
    request.resume();
    if (isKept) request.socket.destroy();
    else response.end('answered');
  });
  access = accessFromEnvironment('lambda', {
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

const invocation = { functionName: 'worker', payload: '{}' };

it('a synchronous invocation runs the function once, although the kept connections are closed', async () => {
  await invokeFunction(access, { ...invocation, type: 'Event' });
  for (let call = 0; call < 2; call++) {
    expect(await invokeFunction(access, { ...invocation, type: 'RequestResponse' })).toBe('answered');
  }
  expect(new Set(ports).size).toBe(3);
  expect(ports).toHaveLength(3);
});

it('an asynchronous invocation on a closed connection is sent again', async () => {
  for (let call = 0; call < 2; call++) await invokeFunction(access, { ...invocation, type: 'Event' });
  expect(ports).toHaveLength(3);
  expect(new Set(ports).size).toBe(2);
});
