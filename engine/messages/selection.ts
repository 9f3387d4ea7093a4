/** Selects messages that were read, by their state and a filter: for peek and redrive. */
import type { MessageState } from '../../contract/contract.ts';
import type { Context } from '../context/context.ts';
import { type Content, readContents, type StoredContent } from '../model/content-codec.ts';
import type { Filter } from './filter.ts';
import type { Sighting } from './list.ts';

export interface Selection {
  state?: MessageState | undefined;
  /** Undefined: every message fits. */
  filter: Filter | undefined;
}

interface WithMessages {
  messages: readonly Sighting[];
}

/** The selected ones of these messages, which share a row. */
export async function selectedOf(
  ctx: Context,
  messages: readonly Sighting[],
  selection: Selection,
): Promise<readonly Sighting[]> {
  const rows = fittingRows([{ messages }], selection);
  const { fitsContent } = selection.filter ?? {};
  return (fitsContent ? await fittingContents(ctx, rows, fitsContent) : rows)[0]!.messages;
}

/** The rows with those of their messages that may fit, by what their rows say without the contents. */
export function fittingRows<Row extends WithMessages>(rows: readonly Row[], { state, filter }: Selection): Row[] {
  const isFitting = (one: Sighting) =>
    (state === undefined || state === one.state) && (!filter || filter.fitsRow(one.show([]), one.since));
  return rows.map((row) => ({ ...row, messages: row.messages.filter(isFitting) }));
}

/** The rows with those of their messages whose contents fit. A message whose content is gone has ended. */
export async function fittingContents<Row extends WithMessages>(
  ctx: Context,
  rows: readonly Row[],
  fits: NonNullable<Filter['fitsContent']>,
): Promise<Row[]> {
  const places = [...new Set<StoredContent>(rows.flatMap(({ messages }) => messages.map(({ content }) => content)))];
  const read = await readContents(ctx.store, places);
  const contents = new Map<StoredContent, Content[] | undefined>(places.map((place, index) => [place, read[index]]));
  const isFitting = ({ content, isUnreadable, show }: Sighting) => {
    const found = contents.get(content);
    return (found !== undefined || isUnreadable) && fits(show(found ?? []));
  };
  return rows.map((row) => ({ ...row, messages: row.messages.filter(isFitting) }));
}
