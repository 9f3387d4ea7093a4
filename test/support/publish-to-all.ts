/** Publishes one message into several queues in one go, with one shared body, as a topic does. */
import type { PublishEntry } from '../../contract/contract.ts';
import { createContext } from '../../engine/context/context.ts';
import { type OffloadedBody, withBodies } from '../../engine/leases/offloaded-bodies.ts';
import { groupPlace, laneOf } from '../../engine/model/group-row.ts';
import { writeDeadline } from '../../engine/model/queue-record.ts';
import { encodeLease } from '../../engine/model/row-codec.ts';
import { leaseKey } from '../../engine/model/rows.ts';
import type { Write } from '../../engine/port/port.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { appendedTo, groupWrites, readGroups } from '../../engine/publish/group-writes.ts';
import { newOwnRow } from '../../engine/publish/own-id.ts';
import { parcelWrite, pendingOf } from '../../engine/publish/parcels.ts';
import { createSharedBodies } from '../../engine/publish/place-body.ts';
import { targetOf } from '../../engine/queues/publish-target.ts';
import type { DrivenEngine } from './driven-engine.ts';

/** Ids must differ from those of the engine of the test. */
let seeds = 7_000;

/** `steps`: how many transactions it takes. */
export async function publishToAll(
  { spy, clock }: DrivenEngine,
  queues: readonly string[],
  entries: readonly PublishEntry[],
  steps = 1,
): Promise<void> {
  const ctx = createContext({ store: spy.store, clock, random: seededRandom(seeds++) });
  const now = clock.now();
  const targets = await Promise.all(queues.map(async (name) => (await targetOf(ctx, name)).queue));
  const shared = createSharedBodies();
  const place = shared.placeBodyFor(
    targets.map(({ retentionSeconds }) => retentionSeconds),
    now,
  );
  const written = targets.map(async (queue): Promise<{ writes: Write[]; bodies: OffloadedBody[] }> => {
    const pending = entries.map((entry, index) => {
      const one = pendingOf(queue, entry, index, now);
      if ('ok' in one) throw new Error(one.message);
      return one;
    });
    const [{ group, id, content }] = pending as [(typeof pending)[number]];
    if (group !== undefined) {
      const rowId = groupPlace(queue, laneOf(queue, group, ctx.random));
      const appended = appendedTo(ctx, queue, { rowId, name: group }, [pending], place);
      const [seen] = await readGroups(ctx, [{ queue, rowId, messages: pending }]);
      return { ...groupWrites(ctx, queue, appended, seen!), bodies: appended.parcels.map(({ body }) => body) };
    }
    if (id !== undefined) {
      const { lease, body } = newOwnRow(ctx, queue, pending[0]!, content !== undefined, place);
      return {
        writes: [{ key: leaseKey(id), then: { put: encodeLease(lease) } }].map((write) => ({
          ...write,
          key: leaseKey(lease.id),
        })),
        bodies: [body],
      };
    }
    const { key, row, ...body } = parcelWrite(ctx, queue, pending, undefined, place);
    return { writes: [{ key, then: { put: row } }], bodies: [body] };
  });
  const all = await Promise.all(written);
  const each = Math.ceil(all.length / steps);
  for (let at = 0; at < all.length; at += each) {
    const step = all.slice(at, at + each);
    const by = writeDeadline(clock.now());
    await withBodies(
      ctx,
      step.flatMap(({ bodies }) => bodies),
      by,
      () =>
        spy.store.transact(
          step.flatMap(({ writes }) => writes),
          by,
        ),
    );
  }
}
