/** Lists schedules by name, a page at a time. A page with large messages may be short and still have a cursor. */
import type { OutputOf, Page } from '../../contract/contract.ts';
import { callBytesMax } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { messageOverheadBytes } from '../messages/message-view.ts';
import { readContents, sizeOf } from '../model/content-codec.ts';
import { formatCursor } from '../model/cursors.ts';
import { withoutLost } from '../schedules/lost-ticks.ts';
import { decodeSchedule, describeSchedule, type ScheduleSnapshot, scheduleKind } from '../schedules/schedule-record.ts';
import { pageByName } from './list-queues.ts';

export async function listSchedules(ctx: Context, input: Page): Promise<OutputOf<'listSchedules'>> {
  const page = await pageByName(ctx, scheduleKind, input);
  const read = page.rows.map(decodeSchedule);
  const shown = read.slice(0, countThatFits(read));
  const present = shown.flatMap(({ record }) => record ?? []);
  const records = await Promise.all(present.map(async (record) => (await withoutLost(ctx, record)).record));
  const contents = await readContents(
    ctx.store,
    records.map(({ content }) => content),
  );
  const now = ctx.clock.now();
  const schedules = records.flatMap((record, index) => {
    const content = contents[index]?.[0];
    // The schedule was changed or deleted between the two reads.
    return content ? [describeSchedule(record, content, now)] : [];
  });
  const last = shown.at(-1);
  const isLast = !page.next && shown.length === read.length;
  return isLast || !last ? { schedules } : { schedules, cursor: formatCursor({ name: last.name }) };
}

/** How many schedules fit into one response: at least one. */
function countThatFits(seen: readonly ScheduleSnapshot[]): number {
  let bytes = 0;
  for (const [index, { record }] of seen.entries()) {
    if (!record) continue;
    bytes += sizeOf(record.content) + messageOverheadBytes;
    if (index > 0 && bytes > callBytesMax) return index;
  }
  return seen.length;
}
