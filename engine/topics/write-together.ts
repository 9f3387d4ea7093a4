/**
 * Applies what a publish to a topic writes into several queues, in one transaction. A write that another row refuses is decided
 * again; the others stay as they are, and go out again with it. That is safe under the same ids: the transaction that was refused
 * is never applied later, because the row that was in its way stays, or has changed for good.
 */
import type { Context } from '../context/context.ts';
import { type OffloadedBody, removeLasting, withBodies } from '../leases/offloaded-bodies.ts';
import { removeChunks } from '../leases/removals.ts';
import { StoreError, type Transacted, type Write } from '../port/port.ts';
import { untilDone } from '../port/until-done.ts';
import type { Deliveries } from './delivery.ts';
import type { Delivery, InTheWay } from './one-delivery.ts';

/** `refused`: a write of `fixed` was refused; what was in its way. The transaction will never be applied. */
export type Outcome = 'applied' | { refused: readonly InTheWay[] };

/**
 * `fixed`: writes that are not decided again. Rejects with StoreError; with `applied: no`, nothing was written and a retry from the
 * reads may succeed.
 */
export async function writeTogether(ctx: Context, planned: Deliveries, fixed: readonly Write[] = []): Promise<Outcome> {
  const { by } = planned;
  // A group's row may change so that a late copy of a refused transaction is applied after all: what that names stays.
  const mayBeNamed = new Set<OffloadedBody>();
  const attempt = async (deliveries: readonly Delivery[]): Promise<{ done: Outcome } | { seen: readonly Delivery[] }> => {
    const writes = [...fixed, ...deliveries.flatMap((delivery) => delivery.writes)];
    const bodies = deliveries.flatMap((delivery) => delivery.bodies).filter((body) => !mayBeNamed.has(body));
    let sentAt = 0;
    const result = await withBodies(ctx, bodies, { by }, () => {
      sentAt = ctx.clock.now();
      return transacted(ctx, writes, by);
    });
    if (result.ok) {
      await removeChunks(ctx, ...deliveries.flatMap(({ displaced = [] }) => displaced));
      return { done: 'applied' };
    }
    const refused = result.refused.slice(0, fixed.length);
    if (refused.some((one) => one !== undefined)) {
      await removeLasting(ctx, bodies);
      return { done: { refused } };
    }
    for (const body of bodies) mayBeNamed.add(body);
    let at = fixed.length;
    const decided = deliveries.map((delivery) => {
      const inTheWay = result.refused.slice(at, at + delivery.writes.length);
      at += delivery.writes.length;
      return inTheWay.some((one) => one !== undefined) ? delivery.again(inTheWay, sentAt) : delivery;
    });
    const next = await Promise.all(decided);
    if (next.includes('applied')) return { done: 'applied' };
    return { seen: next.filter((delivery): delivery is Delivery => typeof delivery === 'object') };
  };
  return untilDone('a row that the publish writes', planned.deliveries, attempt, 'throttled');
}

async function transacted(ctx: Context, writes: readonly Write[], by: number): Promise<Transacted> {
  const [write] = writes;
  if (!write || writes.length > 1) return ctx.store.transact(writes, { by });
  const written = await ctx.store.write(write, { by });
  if (written.ok) return { ok: true };
  // An earlier attempt may have been applied, and its row may be the one in the way: the outcome shows there.
  if (written.maybeApplied) throw new StoreError('the store did not answer whether the row was written', 'unknown');
  return { ok: false, refused: [{ row: written.row }] };
}
