/** Lists queues by name, a page at a time. */
import type { OutputOf, Page } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { pageEntriesDefault } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { formatCursor, parseCursor, unknownCursor } from '../model/cursors.ts';
import { describeQueue, readQueue } from '../model/queue-record.ts';
import type { Ranged } from '../port/port.ts';

export async function listQueues(ctx: Context, input: Page): Promise<OutputOf<'listQueues'>> {
  const { rows, next } = await pageByName(ctx, 'queue', input);
  const queues = rows.map((row) => describeQueue(readQueue(row)));
  const last = queues.at(-1);
  return next && last ? { queues, cursor: formatCursor({ name: last.name }) } : { queues };
}

/** A page of the rows of one kind. Its cursor is the name of the last row that the caller shows. */
export function pageByName(ctx: Context, kind: string, { limit = pageEntriesDefault, cursor }: Page): Promise<Ranged> {
  const name = cursor === undefined ? undefined : parseCursor(cursor, ['name']).name;
  if (name === '' || typeof name === 'number') throw unknownCursor();
  const after = name === undefined ? undefined : { kind, name };
  return ctx.store.range({ table: 'queues', partition: kind, limit, consistent: true, ...defined({ after }) });
}
