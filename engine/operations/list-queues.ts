/** Lists queues by name, a page at a time. */
import type { InputOf, OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { pageEntriesDefault } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { formatCursor, parseCursor } from '../model/cursors.ts';
import { describeQueue, readQueue } from '../model/queue-record.ts';

export async function listQueues(ctx: Context, input: InputOf<'listQueues'>): Promise<OutputOf<'listQueues'>> {
  const name = input.cursor === undefined ? undefined : parseCursor(input.cursor, ['name']).name;
  if (name === '' || typeof name === 'number') throw new DumbwaiterError('invalid_input', 'cursor: not one that this list gave');
  const page = await ctx.store.range({
    table: 'queues',
    partition: 'queue',
    limit: input.limit ?? pageEntriesDefault,
    consistent: true,
    ...(name === undefined ? {} : { after: { kind: 'queue', name } }),
  });
  const queues = page.rows.map((row) => describeQueue(readQueue(row)));
  const last = queues.at(-1);
  return page.next && last ? { queues, cursor: formatCursor({ name: last.name }) } : { queues };
}
