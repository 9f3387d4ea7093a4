/** The slots of messages that move: what is left of them in the row that they leave, and how they enter their new queue. */
import { defined } from '../../contract/defined.ts';
import type { Context } from '../context/context.ts';
import { keepOffloaded, keptApart } from '../leases/kept-messages.ts';
import { endedRow, isEnded, type Snapshot } from '../leases/lease-store.ts';
import { markerEnds } from '../leases/markers.ts';
import { removeOverriddenBy } from '../leases/removals.ts';
import { encodeLease } from '../model/row-codec.ts';
import type { LeaseRow, Slot } from '../model/rows.ts';
import type { Row, Write } from '../port/port.ts';

export interface Moved {
  applied: boolean;
  /** The row that held the messages, as it is afterwards. */
  seen: Snapshot;
}

/** The row that these slots leave, which ends if they are its last, and the writes of the transaction that go with its end. */
export async function withoutMoved(
  ctx: Context,
  lease: LeaseRow,
  slots: readonly number[],
): Promise<{ row: Row; others: readonly Write[] }> {
  const rest: LeaseRow = {
    ...lease,
    version: ctx.newVersion(),
    slots: lease.slots.map((slot, index) => (slots.includes(index) ? movedSlot(slot) : slot)),
  };
  if (!isEnded(rest)) return { row: encodeLease(rest), others: [] };
  const now = ctx.clock.now();
  await removeOverriddenBy(ctx, rest);
  const ended = await keepOffloaded(ctx, rest);
  return { row: endedRow(ended, now), others: [...keptApart(ctx, ended, now), ...(await markerEnds(ctx, ended, now))] };
}

/** The slot of a message that now lives in another row. It keeps no token. */
function movedSlot(slot: Slot): Slot {
  return { visibleAt: slot.visibleAt, receives: 0, failures: 0, end: 'moved' };
}

/** A slot as it enters its new queue, where it was never received. */
export function slotInNewQueue(slot: Slot, visibleAt: number, isDeadLettered: boolean): Slot {
  const next: Slot = { visibleAt, receives: 0, failures: 0 };
  if (!isDeadLettered) return next;
  const { receives, failures, lastFailure, errors, leases } = slot;
  return {
    ...next,
    died: { receives, failures, ...defined({ text: lastFailure }) },
    ...defined({ lastFailure, errors, leases }),
  };
}
