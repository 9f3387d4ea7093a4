/** Requests to URLs of users: which hosts may be private, and answers that Node's HTTP client gives no program. */
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { anyHost, publicHostsAnd } from '../../../contract/host-rule.ts';
import { createPoster } from '../../../functions/service/outgoing-post.ts';

it.each([
  ['switches to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'],
  ['is no HTTP', 'hello\r\n\r\n'],
  ['has endless headers', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`],
  ['ends before it begins', ''],
])('a request whose answer %s is an error, and ends', async (_, answer) => {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { signal } = new AbortController();
  const post = { url: `http://127.0.0.1:${port}/`, payload: '{}', id: 'msg_1', secrets: [], signal, answerBytesMax: 0 };
  await expect(createPoster(anyHost)(post)).rejects.toThrow();
  server.close();
});

it.each([
  ['Hooks.Example.internal', 'https://hooks.example.INTERNAL/x'],
  ['*.example.internal', 'https://a.b.example.internal/'],
  ['münchen.internal', 'https://MÜNCHEN.internal/'],
  ['10.0.0.7', 'http://0x0a.0.0.7:8080/'],
  ['fd00:0::7', 'http://[FD00::0:7]:8080/'],
  ['[fd00::7]', 'http://[fd00::7]/'],
])('the allowed host %s is found however the URL %s writes it', (name, url) => {
  const { hostname } = new URL(url);
  expect(publicHostsAnd([` ${name} `, '']).allowsPrivate(hostname)).toBe(true);
  expect(publicHostsAnd(['other.internal']).allowsPrivate(hostname)).toBe(false);
});

it('an allowed host of the form *.name allows names below, but neither the name itself nor names that end like it', () => {
  const { allowsPrivate } = publicHostsAnd(['*.example.internal']);
  for (const name of ['example.internal', 'evilexample.internal', 'example.internal.evil.com'])
    expect(allowsPrivate(name)).toBe(false);
});

it.each([
  'hooks.internal:8080',
  'https://hooks.internal',
  'hooks.internal/x',
  'user@hooks',
  '*',
  '*.',
  'a b',
  '[fd00::1]:80',
])('an allowed host %s is refused, because no URL would match it', (name) => {
  expect(() => publicHostsAnd([name])).toThrow(`has "${name}", which is no host`);
});
