/** A test of a program that publishes, with a server of its own in the process of the test: `node --test examples/test-your-program.ts`. */
import { equal } from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Dumbwaiter } from '../sdk/index.ts';
import { startServer, type TestServer } from '../testing/index.ts';

let server: TestServer;
let dumbwaiter: Dumbwaiter;

before(async () => {
  server = await startServer();
  dumbwaiter = new Dumbwaiter({ url: server.url, apiKey: server.key });
});
beforeEach(() => server.reset());
after(() => server.close());

/** The program: it reminds of a table that waits for its bill. */
async function remind(table: number): Promise<void> {
  const reminders = dumbwaiter.queue<{ table: number }>('reminders');
  await reminders.create();
  await reminders.publish({ body: { table }, delaySeconds: 600 });
}

test('a reminder is sent after ten minutes', async () => {
  await remind(7);
  const { state } = await server.waitForMessage('reminders', ({ body }) => (body as { table: number }).table === 7);
  equal(state, 'delayed');

  server.advance(600_000);
  const [message] = await dumbwaiter.queue<{ table: number }>('reminders').receive();
  equal(message?.body.table, 7);
});
