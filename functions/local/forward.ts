/** `npm start -- --forward orders=http://127.0.0.1:3000/hook`: a target of the queue for as long as the server runs. */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Forward } from './forward-option.ts';
import type { ServingQueue } from './serve-queue.ts';
import { StartFailure } from './start-failure.ts';

/** The name of the targets that this option puts. */
export const forwardTarget = 'npm-start-forward';

type Serving = Pick<ServingQueue, 'engine' | 'records' | 'targets'>;

/** Creates queues that are missing, except those of subscriptions, and forwards them. Ends what a server that was killed forwarded. */
export async function startForwards({ engine, records, targets }: Serving, forwards: readonly Forward[]): Promise<void> {
  for (const { queue, name } of await records.all()) {
    if (name === forwardTarget && !forwards.some((one) => one.queue === queue)) await targets.remove(queue, name);
  }
  for (const { queue, url } of forwards) {
    await ensureQueue(engine, queue);
    await targets.put(queue, forwardTarget, { url });
  }
}

async function ensureQueue(engine: Serving['engine'], queue: string): Promise<void> {
  try {
    if (isOfSubscription(queue)) await engine.callChecked('getQueue', { queue }, {});
    else await engine.callChecked('createQueue', { queue }, {});
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    if (error.code === 'queue_not_found') {
      throw new StartFailure(`No subscription owns the queue ${queue}. Create it first, and start again with --forward.`);
    }
    // The queue exists, with settings of its own.
    if (error.code !== 'queue_exists') throw error;
  }
}

const isOfSubscription = (queue: string) => queue.includes('~');

export async function stopForwards({ targets }: Serving, forwards: readonly Forward[]): Promise<void> {
  for (const { queue } of forwards) {
    await targets.remove(queue, forwardTarget).catch((error: unknown) => {
      // Deleted meanwhile, by its own call or with its queue.
      if (!(error instanceof DumbwaiterError)) throw error;
    });
  }
}
