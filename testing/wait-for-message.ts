/** Waits until a queue holds a certain message. */
import type { Message } from '../contract/contract.ts';
import { DumbwaiterError } from '../contract/errors.ts';
import type { Engine } from '../engine/engine.ts';

/** How soon a change is noticed that wakes no receiver, such as the end of a message, or a new queue. */
const lookMs = 20;
const shownMax = 5;

/** `engineOf`: the engine at the moment, which a reset replaces. Rejects after `timeoutMs`. */
export async function waitForMessage(
  engineOf: () => Engine,
  queue: string,
  predicate: (message: Message) => boolean,
  timeoutMs: number,
): Promise<Message> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let notify = () => {};
    const changed = new Promise<void>((resolve) => {
      notify = resolve;
    });
    const stop = engineOf().onWakeup(queue, notify);
    const timer = setTimeout(notify, lookMs);
    try {
      const messages = await messagesOf(engineOf(), queue);
      const found = messages?.find(predicate);
      if (found) return found;
      if (performance.now() >= deadline) throw new Error(`${queue}: no such message within ${timeoutMs} ms. ${holds(messages)}`);
      await changed;
    } finally {
      clearTimeout(timer);
      stop();
    }
  }
}

/** Undefined if there is no such queue. */
async function messagesOf(engine: Engine, queue: string): Promise<Message[] | undefined> {
  const all: Message[] = [];
  let cursor: string | undefined;
  try {
    do {
      const page = await engine.call('peek', { queue }, cursor === undefined ? {} : { cursor });
      all.push(...page.messages);
      cursor = page.cursor;
    } while (cursor !== undefined);
  } catch (error) {
    if (error instanceof DumbwaiterError && error.code === 'queue_not_found') return undefined;
    throw error;
  }
  return all;
}

function holds(messages: Message[] | undefined): string {
  if (!messages) return 'There is no such queue.';
  if (messages.length === 0) return 'The queue is empty.';
  const bodies = messages.slice(0, shownMax).map(({ state, body }) => `${JSON.stringify(body)} (${state})`);
  return `The queue holds ${messages.length}: ${bodies.join(', ')}`;
}
