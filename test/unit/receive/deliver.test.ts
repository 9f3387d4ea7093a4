import { expect, it } from 'vitest';
import type { Taker } from '../../../engine/receive/claims.ts';
import { deliver } from '../../../engine/receive/deliver.ts';
import { contextInMemory, queueOf, shard } from '../../support/context-in-memory.ts';

it('a parcel that two claims left behind is removed once: the store refuses two writes on one row', async () => {
  const { ctx } = contextInMemory();
  const taker: Taker = { queue: queueOf(), token: 'token', visibilityTimeoutMs: 1000 };
  const parcel = { shard, id: '1kdvdna1f000204f6cj2p2ez' };
  expect(await deliver(ctx, taker, { claimed: [], removals: [parcel, { ...parcel }] })).toEqual([]);
});
