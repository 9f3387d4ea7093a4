/** `dumbwaiter-queue/testing`. Imports nothing of the AWS SDK: a start takes some milliseconds. */
import { randomUUID } from 'node:crypto';
import { createRandom } from '../engine/port/random.ts';
import { openSqliteStore, sqliteMoreRowBytes } from '../engine/sqlite/store.ts';
import { keyKind } from '../functions/auth/key-rows.ts';
import { serveLocally } from '../functions/local/server.ts';
import type { Log } from '../functions/service/log.ts';
import { createTestClock } from './clock.ts';
import type { startServer as StartServer, TestServer } from './test-server.ts';
import { waitForMessage } from './wait-for-message.ts';

export type { Message, SqsAccess, TestServer, TestServerOptions } from './test-server.ts';

const waitMsDefault = 5_000;

export const startServer: typeof StartServer = async ({ port = 0, key = randomUUID(), sqsCreatesQueues = false, log } = {}) => {
  const clock = createTestClock();
  const store = openSqliteStore({ now: clock.now });
  const options = { log: logTo(log), port, adminKey: key, holder: 'test', sqsAnonymous: true, sqsCreatesQueues };
  const serving = await serveLocally(
    { ...options, clear: () => store.clear(keyKind) },
    { store, clock, random: createRandom(), moreRowBytes: sqliteMoreRowBytes, kind: 'memory' },
  ).catch(async (error) => {
    await store.close();
    throw error;
  });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= serving.stop().then(store.close));
  const server: TestServer = {
    url: serving.url,
    key,
    sqs: {
      endpoint: serving.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    now: clock.now,
    advance: clock.advance,
    waitForMessage: (queue, predicate = () => true, { timeoutMs = waitMsDefault } = {}) =>
      waitForMessage(() => serving.engine, queue, predicate, timeoutMs),
    reset: () => serving.reset!(),
    close,
    [Symbol.asyncDispose]: close,
  };
  return server;
};

function logTo(write: ((line: string) => void) | undefined): Log {
  const lineOf = (message: string, fields: object, error?: unknown) =>
    [
      message,
      JSON.stringify(fields),
      ...(error === undefined ? [] : [error instanceof Error ? error.stack : String(error)]),
    ].join(' ');
  return {
    info: (message, fields) => write?.(lineOf(message, fields)),
    warn: (message, fields) => write?.(lineOf(message, fields)),
    error: (message, fields, error) => (write ?? console.error)(lineOf(message, fields, error)),
  };
}
