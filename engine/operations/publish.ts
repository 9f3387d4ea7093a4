/**
 * Operations: the folder with one file per API operation. Open publish, receive and ack first.
 * Publish. Ready messages of one priority share parcels of up to ten in `messages`. Delayed messages of one priority and delay
 * share rows of `leases`. A message with the caller's own id gets its own row in `leases`, put only if absent, so that a
 * duplicate finds the first one. Messages of a group are stored in order in the group's partition.
 */

import type { PublishEntry, PublishResult, Refused } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, type RetryBudget, withRetry } from '../context/retry.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import { groupBy } from '../model/group-by.ts';
import { StoreError } from '../port/port.ts';
import { publishKeyed } from '../publish/dedup-key.ts';
import { publishGroup } from '../publish/groups.ts';
import { publishOwn } from '../publish/own-id.ts';
import { byKind, type Pending, pendingOf, publishShared, shareable } from '../publish/parcels.ts';
import { type Target, targetOf } from '../queues/publish-target.ts';

export async function publish(
  ctx: Context,
  queueName: string,
  entries: readonly (PublishEntry | Refused)[],
): Promise<{ results: PublishResult[] }> {
  const retryBudget = createRetryBudget(ctx);
  const target = await withRetry(retryBudget, () => targetOf(ctx, queueName));
  const results: PublishResult[] = new Array(entries.length);
  const accepted: Pending[] = [];
  entries.forEach((entry, index) => {
    const pending = 'ok' in entry ? entry : pendingOf(target.queue, entry, index, ctx.clock.now());
    if ('ok' in pending) results[index] = pending;
    else accepted.push(pending);
  });
  await publishPending(ctx, target, accepted, results, retryBudget);
  return { results };
}

/** Publishes messages into one queue, each by its kind, and records the result of each. */
export async function publishPending(
  ctx: Context,
  target: Target,
  pending: readonly Pending[],
  results: PublishResult[],
  retryBudget: RetryBudget,
): Promise<void> {
  const { name: queueName } = target.queue;
  const { shared, groups, own } = byKind(pending);
  // If one call repeats an id, the first message is published and the others find it.
  const sameId = groupBy(own, ({ id, index }) => id ?? `#${index}`);
  await Promise.all([
    publishShared(ctx, target, shareable(shared), results, retryBudget),
    ...[...groups].map(async ([name, members]) => {
      const failed = await refused(ctx, queueName, () => publishGroup(ctx, queueName, name, members, results, retryBudget));
      if (failed) for (const { index } of members) results[index] ??= failed;
    }),
    ...[...sameId.values()].map(async (same) => {
      for (const one of same) {
        const failed = await refused(ctx, queueName, async () => {
          results[one.index] = await publishAlone(ctx, queueName, one, retryBudget);
        });
        if (failed) results[one.index] = failed;
      }
    }),
  ]);
  ctx.wakeups.wake(queueName);
}

function publishAlone(ctx: Context, queueName: string, pending: Pending, retryBudget: RetryBudget): Promise<PublishResult> {
  if (pending.content !== undefined) return publishKeyed(ctx, queueName, pending, retryBudget);
  return withRetry(retryBudget, () => publishOwn(ctx, queueName, pending));
}

async function refused(ctx: Context, queueName: string, run: () => Promise<void>): Promise<Refused | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof StoreError) return unavailableEntry(ctx, queueName, 'publish', error);
    if (error instanceof DumbwaiterError) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}
