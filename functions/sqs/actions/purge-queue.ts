/** PurgeQueue: once a minute. It answers when no message that was sent before it can be received, after about two seconds. */
import { type Action, allow, queueOf, run } from '../call.ts';
import { SqsError } from '../errors.ts';

const purgePauseMs = 60_000;

export const purgeQueue: Action = async (parts, call) => {
  const queue = queueOf(call);
  allow(call, 'purge', queue);
  const now = parts.clock.now();
  let former: number | undefined;
  await parts.queues.change(queue, ({ extras }) => {
    former = extras.purgedAt;
    if (former !== undefined && now < former + purgePauseMs) {
      throw new SqsError('PurgeQueueInProgress', `Only one PurgeQueue operation on ${queue} is allowed every 60 seconds.`);
    }
    return { ...extras, purgedAt: now };
  });
  try {
    await run(parts, call, 'purge', { queue }, {});
  } catch (error) {
    // The caller may try again at once. If this fails too, after a minute.
    await parts.queues.change(queue, ({ extras }) => ({ ...extras, purgedAt: former ?? 0 })).catch(() => undefined);
    throw error;
  }
  return {};
};
