import { afterEach, expect, it } from 'vitest';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { loggedDefects } from '../support/local-queue.ts';

const page = 'http://localhost:5173';
let server: LocalServer;
afterEach(() => server.close());

async function asked(allowedOrigins: string[], method: string): Promise<Response> {
  server = await startLocal({ data: 'memory', log: loggedDefects().log, allowedOrigins });
  const headers = { origin: page, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
  return fetch(`${server.url}/v1/queues/a/publish`, { method, headers });
}

it('a page of an allowed origin may call and may read the headers that retries need', async () => {
  const preflight = await asked([page], 'OPTIONS');
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(page);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  await server.close();
  const refused = await asked([page], 'POST');
  expect(refused.status).toBe(401);
  expect(refused.headers.get('access-control-allow-origin')).toBe(page);
  expect(refused.headers.get('access-control-expose-headers')).toBe('retry-after,x-request-id');
});

it.each([
  [[]],
  [['http://localhost:9999']],
])('a server that allows the origins %j sends no headers to a page of another origin', async (origins) => {
  expect((await asked(origins, 'OPTIONS')).headers.get('access-control-allow-origin')).toBeNull();
});
