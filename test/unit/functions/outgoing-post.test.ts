/** Answers that Node's HTTP client gives no program: each request must end all the same. */
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { anyHost, createPoster } from '../../../functions/service/outgoing-post.ts';

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
