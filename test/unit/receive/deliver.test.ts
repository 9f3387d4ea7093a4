import { expect, it } from 'vitest';
import { readToWriteMsMax } from '../../../contract/limits.ts';
import type { Claimer } from '../../../engine/receive/claims.ts';
import { deliver } from '../../../engine/receive/deliver.ts';
import { contextInMemory, leaseWith, queueOf, shard, start } from '../../support/context-in-memory.ts';

it('a parcel that two claims left behind is removed once, because the store refuses two writes of one row', async () => {
  const { ctx } = contextInMemory();
  const claimer: Claimer = { queue: queueOf(), settingsAt: 0, token: 'token', visibilityTimeoutMs: 1000 };
  const parcel = { shard, id: '1kdvdna1f000204f6cj2p2ez' };
  expect(await deliver(ctx, claimer, { claimed: [], removals: [parcel, { ...parcel }] })).toEqual([]);
});

it('a receive delivers within F of the read that shows the lease, and no later', async () => {
  const { ctx, putQueue } = contextInMemory();
  const queue = queueOf();
  await putQueue(queue);
  const claimer: Claimer = { queue, settingsAt: 0, token: 'token', visibilityTimeoutMs: 3600_000 };
  const slot = { visibleAt: start + 3600_000, receives: 1, failures: 0, token: 'token' };
  const lease = leaseWith({ slots: [slot, slot] });
  const deliveredFrom = (readAt: number) => deliver(ctx, claimer, { claimed: [{ lease, slots: [0], readAt }], removals: [] });
  expect(await deliveredFrom(start - readToWriteMsMax)).toMatchObject([{ id: 'row~0' }]);
  expect(await deliveredFrom(start - readToWriteMsMax - 1)).toEqual([]);
});
