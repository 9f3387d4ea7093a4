/**
 * Publish. Messages of one priority that are ready at once share parcels of up to ten in `messages`; delayed ones, those in `leases`, by delay; one
 * under its caller's own id is a row of `leases` of its own, put if absent, so that a second one finds the first; those of a group follow
 * each other in its partition.
 */

import type { PublishEntry, PublishResult, Refused } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { createRetryBudget, type RetryBudget, withRetry } from '../context/retry.ts';
import { unavailableEntry } from '../context/unavailable.ts';
import { StoreError } from '../port/port.ts';
import { publishKeyed } from '../publish/dedup-key.ts';
import { publishGroup } from '../publish/groups.ts';
import { publishOwn } from '../publish/own-id.ts';
import { type Pending, publishShared } from '../publish/parcels.ts';
import { alike, pendingOf } from '../publish/pending.ts';
import { targetOf } from '../queues/publish-target.ts';

const isRefused = (entry: PublishEntry | Pending | Refused): entry is Refused => 'ok' in entry;

export async function publish(
  ctx: Context,
  queueName: string,
  entries: readonly (PublishEntry | Refused)[],
): Promise<{ results: PublishResult[] }> {
  const retryBudget = createRetryBudget(ctx);
  const target = await withRetry(retryBudget, () => targetOf(ctx, queueName));
  const { queue } = target;
  const results: PublishResult[] = new Array(entries.length);
  const shared: Pending[] = [];
  const own = new Map<string, Pending[]>();
  const groups = new Map<string, Pending[]>();
  entries.forEach((entry, index) => {
    const pending = isRefused(entry) ? entry : pendingOf(queue, entry, index, ctx.clock.now());
    if (isRefused(pending)) results[index] = pending;
    else if (pending.group !== undefined) groups.set(pending.group, [...(groups.get(pending.group) ?? []), pending]);
    else if (pending.id !== undefined) own.set(pending.id, [...(own.get(pending.id) ?? []), pending]);
    else if (pending.prepared) own.set(`#${index}`, [pending]);
    else shared.push(pending);
  });

  await Promise.all([
    publishShared(ctx, target, alike(shared), results, retryBudget),
    ...[...groups].map(async ([name, members]) => {
      const failed = await refused(ctx, queueName, () => publishGroup(ctx, queueName, name, members, results, retryBudget));
      if (failed) for (const { index } of members) results[index] ??= failed;
    }),
    ...[...own.values()].map(async (same) => {
      // The same id twice in one call: the first is published, the others find it.
      for (const pending of same) {
        const failed = await refused(ctx, queueName, async () => {
          results[pending.index] = await publishAlone(ctx, queueName, pending, retryBudget);
        });
        if (failed) results[pending.index] = failed;
      }
    }),
  ]);
  ctx.wakeups.wake(queue.name);
  return { results };
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
