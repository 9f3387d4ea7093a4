/**
 * Publish in the caller's own transaction: returns the transaction entries and stores no message. The same transaction stores
 * offloaded bodies, so that nothing is left over if it is never committed.
 */

import type { OutputOf, PublishEntry, Refused } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import type { Context } from '../context/context.ts';
import { chunkWrites } from '../model/content-codec.ts';
import { messageId } from '../model/ids.ts';
import type { QueueRecord } from '../model/queue-record.ts';
import { encodeLease } from '../model/row-codec.ts';
import { absentAt, leaseKey } from '../model/rows.ts';
import type { Write } from '../port/port.ts';
import { newOwnRow } from '../publish/own-id.ts';
import { inParcels, type ParcelWrite, type Pending, parcelWrite } from '../publish/parcels.ts';
import { pendingOf, shareable } from '../publish/pending.ts';
import { noteTransactions } from '../queues/change-queue.ts';
import { targetOf } from '../queues/publish-target.ts';
import { asItems } from './transaction-items.ts';

export async function publishItems(
  ctx: Context,
  queueName: string,
  entries: readonly (PublishEntry | Refused)[],
): Promise<OutputOf<'publishItems'>> {
  const { queue } = await targetOf(ctx, queueName);
  const pending = entries.map((entry, index) => accepted(ctx, queue, entry, index));
  const own = pending.filter(({ id }) => id !== undefined);
  const twice = own.find(({ id }, at) => own.findIndex((other) => other.id === id) !== at);
  if (twice)
    throw new DumbwaiterError(
      'invalid_input',
      `messages[${twice.index}].id: must be unique in the call, was given twice: "${twice.id}"`,
    );

  const parcels = shareable(pending.filter(({ id }) => id === undefined))
    .flatMap(inParcels)
    .map((group) => parcelWrite(ctx, queue, group));
  const ids: string[] = new Array(entries.length);
  for (const { id, group } of parcels) for (const [slot, { index }] of group.entries()) ids[index] = messageId(id, slot);
  for (const { index, id } of own) ids[index] = id!;
  const writes = [...parcels, ...own.map((one) => ownWrite(ctx, queue, one))].flatMap((parcel) => writesOf(ctx, parcel));
  const items = asItems(ctx, writes);
  // Last, so that a refused call changes nothing; but before the caller gets the entries.
  await noteTransactions(ctx, queue);
  return { items, ids };
}

function accepted(ctx: Context, queue: QueueRecord, entry: PublishEntry | Refused, index: number): Pending {
  const pending = 'ok' in entry ? entry : pendingOf(queue, entry, index, ctx.clock.now());
  if ('ok' in pending) throw new DumbwaiterError(pending.code, pending.message);
  if (pending.group !== undefined) {
    throw new DumbwaiterError(
      'invalid_input',
      `messages[${index}].group: is not allowed in a transaction; publish the message with publish`,
    );
  }
  if (pending.prepared) {
    throw new DumbwaiterError(
      'invalid_input',
      `messages[${index}].prepared: is not allowed in a transaction: its commit already decides whether the message is published`,
    );
  }
  if (pending.content !== undefined) {
    const message = `messages[${index}].dedupKey: is not allowed in a transaction; give the message an id, or use publish`;
    throw new DumbwaiterError('invalid_input', message);
  }
  return pending;
}

/** The write of a message with the caller's own id. */
function ownWrite(ctx: Context, queue: QueueRecord, pending: Pending): ParcelWrite {
  const { lease, body } = newOwnRow(ctx, queue, pending);
  return { id: lease.id, group: [pending], key: leaseKey(lease.id), row: encodeLease(lease), ...body };
}

/** A put into `leases` may replace only an outdated tombstone. One into `messages` needs no condition: `leases` overrides it. */
function writesOf(ctx: Context, { key, row, content, chunks, ttl }: ParcelWrite): Write[] {
  const then = { put: row };
  const write: Write = key.table === 'leases' ? { key, when: absentAt(ctx.clock.now()), then } : { key, then };
  return [...chunkWrites(content, chunks, ttl), write];
}
