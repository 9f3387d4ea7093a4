/** The handlers of the example, in TypeScript and Python, with the events that the queue sends. `test/e2e/` deploys the same. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { handler } from '../../examples/lambda-consumer/typescript/handler.ts';
import { createPushBed, type PushBed } from '../support/push-bed.ts';

const pythonFolder = join(import.meta.dirname, '..', '..', 'examples', 'lambda-consumer', 'python');

/** Runs the handler in a process of its own, as Lambda does, with the event on stdin. */
function runPython(event: string): string {
  const program = 'import json, sys, handler; print(json.dumps(handler.handler(json.load(sys.stdin), None)))';
  const { status, stdout, stderr } = spawnSync('python3', ['-c', program], {
    cwd: pythonFolder,
    input: event,
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  if (status === 0) return stdout;
  const [, errorType, errorMessage] = /(\w+): (.*)\n$/.exec(stderr)!;
  throw Object.assign(new Error('it raised'), { name: 'FunctionError', answer: JSON.stringify({ errorType, errorMessage }) });
}

/** The states of messages with these bodies after one delivery, in their order, and the event's records. */
async function deliver(bodies: object[], reportBatchItemFailures: boolean, invoke: PushBed['invoke']) {
  const bed = createPushBed();
  bed.invoke = invoke;
  const one = bed.process();
  const queue = { queue: 'q' };
  await one.engine.call('createQueue', queue, { keep: { doneSeconds: 60, deadSeconds: 0 } });
  await one.targets.put('q', 'f', { functionName: 'fn', reportBatchItemFailures });
  const { results } = await one.engine.call('publish', queue, { messages: bodies.map((body) => ({ body: body as never })) });
  await one.drain();
  expect(bed.events).toHaveLength(1);
  const messages = await Promise.all(
    results.map((result) => one.engine.call('getMessage', { ...queue, id: (result as { id: string }).id }, {})),
  );
  return messages.map(({ state, lastFailure }) => [state, lastFailure ?? null]);
}

test('the handler in TypeScript has the orders that it cannot charge delivered again, and no others', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  const orders = [1, 2, 3].map((order) => ({ order, amount: order === 2 ? 0 : 10 }));
  const states = await deliver(orders, true, async (_, event) => JSON.stringify(await handler(JSON.parse(event))));
  expect(states).toEqual([
    ['done', null],
    ['delayed', 'the function reported that this message failed'],
    ['done', null],
  ]);
  expect(said.mock.calls.map(([text]) => text)).toContain('order 3: charged 10');
  said.mockRestore();
});

test('the handler in Python sends mails, and has its batch delivered again if one has no address', async () => {
  const [good, bad] = [{ to: 'a@example.com' }, { to: 'nowhere' }];
  const python = async (_: string, event: string) => runPython(event);
  expect(await deliver([good], false, python)).toEqual([['done', null]]);
  const failed = ['delayed', 'ValueError: nowhere is no address'];
  expect(await deliver([good, bad], false, python)).toEqual([failed, failed]);
});
