/** Reads the messages of a queue that fit the filters of the page's address, a page at a time. */
import type { Message } from '../../contract/contract.ts';
import { isJsonText } from '../../contract/json-text.ts';
import { stringify } from '../../contract/json-values.ts';
import { type Filters, peekInputOf } from './filters.ts';
import type { Session } from './session.ts';

export interface Scanned {
  messages: Message[];
  examined: number;
  /** Set if there may be more. */
  cursor?: string;
}

const pageSize = 100;

interface ScanOptions {
  cursor?: string | undefined;
  want: number;
  signal?: AbortSignal;
  /** Is told after each page. */
  onPage?(so: Scanned): void;
}

/** Reads on from `cursor` until `want` messages fit, the queue ends, or the signal aborts. */
export async function scan({ call }: Session, queue: string, filters: Filters, options: ScanOptions): Promise<Scanned> {
  const { cursor: from, want, signal, onPage } = options;
  const input = { ...peekInputOf(filters), limit: pageSize };
  let scanned: Scanned = { messages: [], examined: 0, ...(from !== undefined && { cursor: from }) };
  do {
    const { cursor } = scanned;
    const page = await call('peek', { queue }, { ...input, ...(cursor !== undefined && { cursor }) }, signal);
    scanned = {
      messages: [...scanned.messages, ...page.messages],
      examined: scanned.examined + page.examined,
      ...(page.cursor !== undefined && { cursor: page.cursor }),
    };
    onPage?.(scanned);
  } while (scanned.cursor !== undefined && scanned.messages.length < want && !signal?.aborted);
  return scanned;
}

/** Counts the messages that fit, and for which `isWanted` is true. `onPage` is told what was found and examined so far. */
export async function count(
  session: Session,
  queue: string,
  filters: Filters,
  {
    isWanted,
    signal,
    onPage,
  }: { isWanted(message: Message): boolean; signal: AbortSignal; onPage(found: number, examined: number): void },
): Promise<number> {
  let found = 0;
  let examined = 0;
  let cursor: string | undefined;
  do {
    const page = await scan(session, queue, filters, { cursor, want: 1, signal });
    found += page.messages.filter(isWanted).length;
    examined += page.examined;
    cursor = page.cursor;
    onPage(found, examined);
  } while (cursor !== undefined && !signal.aborted);
  return found;
}

/** The JSON text of a body, or the base64 text of bytes. */
export function bodyText({ body, bodyBase64, unreadable }: Message): string {
  return textOfJson(body) ?? bodyBase64 ?? unreadable ?? '';
}

export function textOfJson(value: unknown): string | undefined {
  return isJsonText(value) ? value.text : stringify(value);
}
