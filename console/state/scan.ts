/** Reads a queue's messages a page at a time and keeps those that match the filters of the page's address. */
import type { DeathReason, Message, MessageState } from '../../contract/contract.ts';
import { isJsonText } from '../../contract/json-text.ts';
import { stringify, withValues } from '../../contract/json-values.ts';
import type { Session } from './session.ts';

export interface Filters {
  state?: MessageState;
  id?: string;
  group?: string;
  /** `name=value`. */
  attribute?: string;
  reason?: DeathReason;
  priority?: string;
  /** Published at or after, and before: instants, or what an input of type datetime-local gives. */
  from?: string;
  until?: string;
  /** Text in the body's JSON. */
  text?: string;
}

export const filterNames = ['state', 'id', 'group', 'attribute', 'reason', 'priority', 'from', 'until', 'text'] as const;

export interface Scanned {
  messages: Message[];
  examined: number;
  /** Set if there may be more. */
  cursor?: string;
}

const pageSize = 100;

/** Reads on from `cursor` until `want` messages match, the queue ends, or `isOver`. `onPage` is told after each page. */
export async function scan(
  { call }: Session,
  queue: string,
  filters: Filters,
  {
    cursor,
    want,
    signal,
    onPage,
  }: { cursor?: string | undefined; want: number; signal: AbortSignal; onPage?(so: Scanned): void },
): Promise<Scanned> {
  const isWanted = matcher(filters);
  let scanned: Scanned = { messages: [], examined: 0, ...(cursor !== undefined && { cursor }) };
  do {
    const { state } = filters;
    const page = await call(
      'peek',
      { queue },
      { limit: pageSize, ...(state && { state }), ...(scanned.cursor !== undefined && { cursor: scanned.cursor }) },
      signal,
    );
    scanned = {
      messages: [...scanned.messages, ...page.messages.filter(isWanted)],
      examined: scanned.examined + page.messages.length,
      ...(page.cursor !== undefined && { cursor: page.cursor }),
    };
    onPage?.(scanned);
  } while (scanned.cursor !== undefined && scanned.messages.length < want && !signal.aborted);
  return scanned;
}

/** The JSON text of a body, or the base64 text of bytes. */
export function bodyText({ body, bodyBase64, unreadable }: Message): string {
  return textOfJson(body) ?? bodyBase64 ?? unreadable ?? '';
}

export function textOfJson(value: unknown): string | undefined {
  return isJsonText(value) ? value.text : stringify(value);
}

function matcher({ id, group, attribute, reason, priority, from, until, text }: Filters): (message: Message) => boolean {
  const since = from ? Date.parse(from) : Number.NEGATIVE_INFINITY;
  const before = until ? Date.parse(until) : Number.POSITIVE_INFINITY;
  const [name = '', value = ''] = attribute?.split(/=(.*)/s) ?? [];
  return (message) => {
    const publishedAt = Date.parse(message.publishedAt);
    return (
      (!id || message.id.includes(id)) &&
      (!group || message.group === group) &&
      (!reason || message.deadLetter?.reason === reason) &&
      (!priority || String(message.priority ?? 0) === priority) &&
      publishedAt >= since &&
      publishedAt < before &&
      (!text || bodyText(message).includes(text)) &&
      (!attribute || String(withValues(message.attributes)[name]) === value)
    );
  };
}
