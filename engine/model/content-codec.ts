/**
 * Encodes bodies and attributes for storage. The contents of a parcel are one JSON text. The row holds it, as text or
 * deflated, if the row then stays within 1 KB in its largest state. Otherwise the text is offloaded: deflated and
 * split into chunks, each a row of `messages` in a partition of its own. Stored rows depend on this format.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Attributes, Json } from '../../contract/contract.ts';
import { isJsonText, type JsonText, rowsOf, textAsJson } from '../../contract/json-text.ts';
import { bodyChunkBytesMax, parcelSlotsMax, retentionGraceMs, rowBytesMax } from '../../contract/limits.ts';
import { failureOf, type Key, type Row, type Store, StoreError, type Write, type WriteOptions } from '../port/port.ts';

/** Begins the partitions of `messages` that hold offloaded bodies. */
export const bodyPartitionPrefix = 'body:';

/** The content of one message. The JSON is a value or a JsonText; content read from the store is always JsonText. */
export interface Content {
  body?: Json;
  bodyBase64?: string;
  attributes?: Attributes;
  /** Set instead of all other fields if the stored content cannot be decoded: the stored content as text. */
  unreadable?: string;
}

/**
 * Where the contents of a parcel are stored: in the row as text, in the row deflated, or offloaded. `size`: bytes in an
 * answer.
 */
export type StoredContent = { text: string } | { deflated: Uint8Array; size: number } | OffloadedContent;
export interface OffloadedContent {
  offloaded: string;
  chunks: number;
  size: number;
  /**
   * Only if rows of several queues name the same chunks: when TTL may remove those, epoch seconds. No row changes or removes
   * shared chunks. A row that needs its content for longer copies it first (`copiedBody` in leases/offloaded-bodies.ts).
   */
  sharedUntil?: number;
}

/**
 * Encodes one message as a JSON list: body, attributes (0 for none), kind. The kind is 1 for a base64 body and 2 for
 * undecodable content. Default parts at the end are omitted.
 */
export function encodeContent({ body, bodyBase64, attributes, unreadable }: Content): string {
  if (unreadable !== undefined) return `[${JSON.stringify(unreadable)},0,2]`;
  const given = attributes === undefined ? '{}' : textOf(attributes);
  const encoded = given === '{}' ? '0' : given;
  if (bodyBase64 !== undefined) return `[${JSON.stringify(bodyBase64)},${encoded},1]`;
  return encoded === '0' ? `[${textOf(body)}]` : `[${textOf(body)},${encoded}]`;
}

function textOf(json: Json | undefined): string {
  return isJsonText(json) ? json.text : JSON.stringify(json);
}

/** Adds attributes as JSON text, without parsing the given ones. */
export function attributesWith(attributes: Content['attributes'], more: Attributes): JsonText {
  const members = [textOf(attributes ?? {}), JSON.stringify(more)].map((text) => text.slice(1, -1).trim());
  return textAsJson(`{${members.filter((text) => text !== '').join(',')}}`);
}

export function joinEntries(entries: readonly string[]): string {
  return `[${entries.join(',')}]`;
}

/** The message in this slot. A missing entry counts as unreadable. */
export function contentAt(contents: readonly (Content | undefined)[], slot: number): Content {
  return contents[slot] ?? { unreadable: '' };
}

/** Decodes the messages of a stored text. If the text is damaged, every message is unreadable and shows the whole text. */
function decodeText(text: string): Content[] {
  let rows: string[][] | undefined;
  try {
    rows = rowsOf(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return rows?.map(decodeContent) ?? allUnreadable(text);
}

function decodeContent(row: readonly string[]): Content {
  const [body = '', attributes = '0', kind, ...more] = row;
  const isText = body.startsWith('"');
  if (kind === '2' && isText) return { unreadable: JSON.parse(body) };
  const isEntry = body !== '' && (attributes === '0' || attributes.startsWith('{')) && more.length === 0;
  if (!isEntry || !(kind === undefined || (kind === '1' && isText))) return { unreadable: `[${row.join(',')}]` };
  const others = attributes === '0' ? {} : { attributes: textAsJson(attributes) };
  return kind === '1' ? { bodyBase64: JSON.parse(body), ...others } : { body: textAsJson(body), ...others };
}

/**
 * Decodes deflated text. Other bytes (for example, from a client that base64-encoded twice) are unreadable and shown as
 * base64.
 */
function decodeDeflated(bytes: Uint8Array): Content[] {
  let text: string;
  try {
    text = inflateRawSync(bytes).toString();
  } catch {
    return allUnreadable(Buffer.from(bytes).toString('base64'));
  }
  return decodeText(text);
}

function allUnreadable(unreadable: string): Content[] {
  return Array.from({ length: parcelSlotsMax }, () => ({ unreadable }));
}

/** The size of a text inside a JSON string, as API Gateway passes an answer on. Quotes and backslashes count twice. */
export function wireBytes(text: string): number {
  let bytes = Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) bytes++;
  }
  return bytes;
}

export function sizeOf(content: StoredContent): number {
  return 'text' in content ? wireBytes(content.text) : content.size;
}

/** Contents for a damaged row: a text to show in place of its messages. It fits in a row because it came from one. */
export function damagedContent(text: string): StoredContent {
  return { deflated: deflateRawSync(text), size: wireBytes(text) };
}

/** Longer texts are not deflated into the row, because a small row would then produce a large answer. */
export const deflateInRowMax = 8 * rowBytesMax;

/** Chooses where to store a text. `room`: bytes that the row has left in its largest state. */
export function storeContent(text: string, room: number, newId: () => string): { content: StoredContent; chunks: Uint8Array[] } {
  const plain = Buffer.from(text);
  if (plain.length <= room) return { content: { text }, chunks: [] };
  const size = wireBytes(text);
  const deflated = deflateRawSync(plain);
  if (plain.length <= deflateInRowMax && deflated.length <= room) return { content: { deflated, size }, chunks: [] };
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < deflated.length; at += bodyChunkBytesMax) chunks.push(deflated.subarray(at, at + bodyChunkBytesMax));
  return { content: { offloaded: newId(), chunks: chunks.length, size }, chunks };
}

/** The attributes of a row that say where its content is. */
export function encodeStoredContent(content: StoredContent): Row {
  if ('text' in content) return { bodies: content.text };
  if ('deflated' in content) return { bodies: content.deflated, size: content.size };
  const { offloaded, chunks, size, sharedUntil } = content;
  return { beside: offloaded, chunks, size, ...(sharedUntil === undefined ? {} : { shared: sharedUntil }) };
}

export function decodeStoredContent(row: Row): StoredContent {
  if (typeof row.bodies === 'string') return { text: row.bodies };
  if (row.bodies !== undefined) return { deflated: row.bodies as Uint8Array, size: row.size as number };
  const { beside, chunks, size, shared } = row as { beside: string; chunks: number; size: number; shared?: number };
  return { offloaded: beside, chunks, size, ...(shared === undefined ? {} : { sharedUntil: shared }) };
}

function chunkKey(offloaded: string, index: number): Key & { table: 'messages' } {
  return { table: 'messages', shard: `${bodyPartitionPrefix}${offloaded}`, id: String(index) };
}

export function chunkKeys(content: StoredContent): Key[] {
  return 'offloaded' in content ? Array.from({ length: content.chunks }, (_, index) => chunkKey(content.offloaded, index)) : [];
}

export function isShared(content: StoredContent): content is OffloadedContent & { sharedUntil: number } {
  return 'offloaded' in content && content.sharedUntil !== undefined;
}

/** Whether shared chunks may be gone by then, ms. `undefined`: the row needs them forever. The margin spares most rows a copy. */
export function outlastsShared(content: StoredContent, until: number | undefined): boolean {
  return isShared(content) && (until === undefined || until > content.sharedUntil * 1000 - retentionGraceMs / 2);
}

/** The chunks that belong to the row alone, so that the row may change and remove them. */
export function ownChunkKeys(content: StoredContent): Key[] {
  return isShared(content) ? [] : chunkKeys(content);
}

/**
 * Epoch seconds at which TTL may remove the offloaded bodies of a message, and its row if the queue has no dead-letter
 * queue. That is long after its retention and its lease, so correctness never depends on when TTL acts.
 */
export function bodyTtl(retentionEnd: number, visibleAt = 0): number {
  return Math.ceil((Math.max(retentionEnd, visibleAt) + retentionGraceMs) / 1000);
}

/** The puts of the chunks of an offloaded body; none if the row holds it. */
export function chunkWrites(
  content: StoredContent,
  chunks: readonly Uint8Array[],
  ttl: number | undefined,
): { key: Key; then: { put: Row } }[] {
  if (!('offloaded' in content)) return [];
  return chunks.map((bytes, index) => {
    const { table: _, ...key } = chunkKey(content.offloaded, index);
    const row: Row = { ...key, bytes, ...(ttl === undefined ? {} : { ttl }) };
    return { key: chunkKey(content.offloaded, index), then: { put: row } };
  });
}

/**
 * Writes the chunks of an offloaded body. Call it before writing the row, so that no row refers to missing chunks.
 * A StoreError from here always has `applied: no`: chunks without a row are not a message. It keeps its reason, so that a caller
 * repeats the call if a chunk had no answer before its deadline.
 */
export async function writeChunks(
  store: Store,
  content: StoredContent,
  chunks: Uint8Array[],
  ttl: number | undefined,
  options?: WriteOptions,
) {
  if (!('offloaded' in content)) return;
  // Put only if absent: a late or duplicate request must not restore the chunk's first TTL.
  const writes = chunkWrites(content, chunks, ttl).map((write): Write => ({ ...write, when: { absent: ['id'] } }));
  // Wait for all of them: a chunk that arrives after its removal would stay.
  const written = await Promise.allSettled(writes.map((write) => store.write(write, options)));
  const failure = failureOf(written);
  if (failure === undefined) return;
  if (!(failure instanceof StoreError)) throw failure;
  throw new StoreError(failure.message, 'no', failure, failure.reason);
}

/** Reads the contents of several parcels, with one read for all chunks. Undefined for a parcel with a missing chunk. */
export async function readContents(store: Store, places: readonly StoredContent[]): Promise<(Content[] | undefined)[]> {
  const keys = places.flatMap(chunkKeys);
  const rows = keys.length > 0 ? await store.get(keys) : [];
  let at = 0;
  return places.map((content) => {
    if ('text' in content) return decodeText(content.text);
    if ('deflated' in content) return decodeDeflated(content.deflated);
    const chunks = rows.slice(at, at + content.chunks);
    at += content.chunks;
    if (chunks.some((chunk) => chunk === undefined)) return undefined;
    const bytes = chunks.map((chunk) => chunk!.bytes);
    if (bytes.every((one) => one instanceof Uint8Array)) return decodeDeflated(Buffer.concat(bytes));
    return allUnreadable(bytes.map((one) => (typeof one === 'string' ? one : '')).join(''));
  });
}
