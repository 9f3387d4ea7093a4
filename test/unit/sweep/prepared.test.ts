import { expect, it } from 'vitest';
import { createDeadline } from '../../../engine/context/deadline.ts';
import { preparedPartitionsOf } from '../../../engine/model/queue-record.ts';
import { sweepPrepared } from '../../../engine/sweep/prepared.ts';
import { contextInMemory, leaseWith, queueOf, start } from '../../support/context-in-memory.ts';

const queue = queueOf({ prepared: { timeoutSeconds: 60, checkBack: null }, hasPrepared: true });
const [partition] = preparedPartitionsOf(queue);

it.each([
  ['rolls back a prepared message whose timeout has passed', start, 1],
  ['leaves a prepared message that a stale index shows before its timeout', start + 1, 0],
])('the sweep %s', async (_, visibleAt, rolledBack) => {
  const { ctx, events, putLease, putQueue } = contextInMemory((store) => ({
    range: ({ to: _, ...range }) => store.range(range),
  }));
  await putQueue(queue);
  await putLease({
    ...leaseWith({ shard: partition!, slots: [{ visibleAt, receives: 0, failures: 0 }], content: { text: '[[1]]' } }),
    kind: 'prepared',
    prepared: { timing: { delayMs: 0 }, level: 0, checks: 0 },
  });
  const swept = { name: 'q', removed: 0, deadLettered: 0, oldestAgeSeconds: 0, isDeadLetter: false, waiting: 0 };
  await sweepPrepared(ctx, queue, partition!, createDeadline(ctx.clock, Number.POSITIVE_INFINITY), swept);
  expect(events.filter(({ kind }) => kind === 'rolled_back')).toHaveLength(rolledBack);
});
