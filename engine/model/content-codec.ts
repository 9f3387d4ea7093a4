/**
 * Bodies and attributes as they are stored. The contents of a parcel are one JSON text; it lies in the row while the row stays
 * within 1 KB in its largest state (as text, or deflated where that makes it fit), else beside it, in rows of its own.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Attributes, Json } from '../../contract/contract.ts';
import { rowsOf } from '../../contract/json-reader.ts';
import { isJsonText, type JsonText, textAsJson } from '../../contract/json-text.ts';
import { bodyChunkBytesMax, parcelSlotsMax, retentionGraceMs, rowBytesMax } from '../../contract/limits.ts';
import { type Key, type Row, type Store, StoreError, type Write, type WriteOptions } from '../port/port.ts';

/** Its JSON is a value or a JsonText, and a JsonText once it was stored. */
export interface Content {
  body?: Json;
  bodyBase64?: string;
  attributes?: Attributes;
  /** In place of all that: what is stored, where it can not be read as a message. */
  unreadable?: string;
}

/** Where a parcel's contents lie. `size` is what they take in an answer, for those that are not plain text in the row. */
export type Placed = { text: string } | { deflated: Uint8Array; size: number } | { beside: string; chunks: number; size: number };

/** One message in the stored text: a list of body, attributes (0 for none), 1 where the body is base64, 2 where it is what could not be read. Trailing parts are left out. */
export function packEntry({ body, bodyBase64, attributes, unreadable }: Content): string {
  if (unreadable !== undefined) return `[${JSON.stringify(unreadable)},0,2]`;
  const given = attributes === undefined ? '{}' : textOf(attributes);
  const packed = given === '{}' ? '0' : given;
  if (bodyBase64 !== undefined) return `[${JSON.stringify(bodyBase64)},${packed},1]`;
  return packed === '0' ? `[${textOf(body)}]` : `[${textOf(body)},${packed}]`;
}

function textOf(json: Json | undefined): string {
  return isJsonText(json) ? json.text : JSON.stringify(json);
}

/** These attributes and more. */
export function attributesWith(attributes: Content['attributes'], more: Attributes): JsonText {
  const members = [textOf(attributes ?? {}), JSON.stringify(more)].map((text) => text.slice(1, -1).trim());
  return textAsJson(`{${members.filter((text) => text !== '').join(',')}}`);
}

export function joinEntries(entries: readonly string[]): string {
  return `[${entries.join(',')}]`;
}

/** The message at this place of a parcel; what should be there and is not cannot be read. */
export function contentAt(contents: readonly Content[], slot: number): Content {
  return contents[slot] ?? { unreadable: '' };
}

/** The messages of a stored text; where that is damaged, each of them is that text. */
function unpack(text: string): Content[] {
  let rows: string[][] | undefined;
  try {
    rows = rowsOf(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return rows?.map(unpackEntry) ?? allUnreadable(text);
}

function unpackEntry(row: readonly string[]): Content {
  const [body = '', attributes = '0', kind, ...more] = row;
  const isText = body.startsWith('"');
  if (kind === '2' && isText) return { unreadable: JSON.parse(body) };
  const isEntry = body !== '' && (attributes === '0' || attributes.startsWith('{')) && more.length === 0;
  if (!isEntry || !(kind === undefined || (kind === '1' && isText))) return { unreadable: `[${row.join(',')}]` };
  const others = attributes === '0' ? {} : { attributes: textAsJson(attributes) };
  return kind === '1' ? { bodyBase64: JSON.parse(body), ...others } : { body: textAsJson(body), ...others };
}

/** Bytes that were deflated text. A client that encodes what is encoded stores others: they are shown as base64. */
function unpackDeflated(bytes: Uint8Array): Content[] {
  let text: string;
  try {
    text = inflateRawSync(bytes).toString();
  } catch {
    return allUnreadable(Buffer.from(bytes).toString('base64'));
  }
  return unpack(text);
}

function allUnreadable(unreadable: string): Content[] {
  return Array.from({ length: parcelSlotsMax }, () => ({ unreadable }));
}

/** Bytes that a text takes inside a JSON string, which is how API Gateway hands an answer on: quotes and backslashes count twice. */
export function wireBytes(text: string): number {
  let bytes = Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) bytes++;
  }
  return bytes;
}

export function sizeOf(placed: Placed): number {
  return 'text' in placed ? wireBytes(placed.text) : placed.size;
}

/** A text that is no message's, to be shown as it is: in the row, for it came from there. */
export function placeDamaged(text: string): Placed {
  return { deflated: deflateRawSync(text), size: wireBytes(text) };
}

/** Texts longer than this are not tried in the row deflated: they would make a small row of a large answer. */
const deflateInRowMax = 8 * rowBytesMax;

/** Chooses the place. `room` is what the row has left in its largest state, bytes. */
export function place(text: string, room: number, newId: () => string): { placed: Placed; chunks: Uint8Array[] } {
  const plain = Buffer.from(text);
  if (plain.length <= room) return { placed: { text }, chunks: [] };
  const size = wireBytes(text);
  const deflated = deflateRawSync(plain);
  if (plain.length <= deflateInRowMax && deflated.length <= room) return { placed: { deflated, size }, chunks: [] };
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < deflated.length; at += bodyChunkBytesMax) chunks.push(deflated.subarray(at, at + bodyChunkBytesMax));
  return { placed: { beside: newId(), chunks: chunks.length, size }, chunks };
}

function chunkKey(beside: string, index: number): Key & { table: 'messages' } {
  return { table: 'messages', shard: `body:${beside}`, id: String(index) };
}

export function chunkKeys(placed: Placed): Key[] {
  return 'beside' in placed ? Array.from({ length: placed.chunks }, (_, index) => chunkKey(placed.beside, index)) : [];
}

/**
 * When TTL may remove a message's bodies, and its row where no dead-letter queue waits for it (epoch seconds): long after its
 * retention and its lease, so that nothing rests on when TTL acts.
 */
export function keptUntil(expiresAt: number, visibleAt = 0): number {
  return Math.ceil((Math.max(expiresAt, visibleAt) + retentionGraceMs) / 1000);
}

/** The pieces that lie beside a row, as writes. */
export function chunkWrites(
  placed: Placed,
  chunks: readonly Uint8Array[],
  ttl: number | undefined,
): { key: Key; then: { put: Row } }[] {
  if (!('beside' in placed)) return [];
  return chunks.map((bytes, index) => {
    const { table: _, ...key } = chunkKey(placed.beside, index);
    const row: Row = { ...key, bytes, ...(ttl === undefined ? {} : { ttl }) };
    return { key: chunkKey(placed.beside, index), then: { put: row } };
  });
}

/**
 * Writes the pieces that lie beside a row: before the row, so that a row never points at nothing. Where it rejects, nothing is stored as far as
 * anybody can tell: pieces alone are no message.
 */
export async function writeChunks(
  store: Store,
  placed: Placed,
  chunks: Uint8Array[],
  ttl: number | undefined,
  options?: WriteOptions,
) {
  if (!('beside' in placed)) return;
  // Only where they are not yet: a request that comes late, or once more, must not give back the TTL that they had at first.
  const writes = chunkWrites(placed, chunks, ttl).map((write): Write => ({ ...write, when: { absent: ['id'] } }));
  // All of them are waited for: one that came after its removal would stay.
  const written = await Promise.allSettled(writes.map((write) => store.write(write, options)));
  const failure = written.find((one) => one.status === 'rejected')?.reason;
  if (failure === undefined) return;
  if (!(failure instanceof StoreError)) throw failure;
  throw new StoreError(failure.message, 'no', failure, failure.reason);
}

/** The contents of several parcels, in one read of what lies beside them; undefined where a piece is gone. */
export async function readContents(store: Store, places: readonly Placed[]): Promise<(Content[] | undefined)[]> {
  const keys = places.flatMap(chunkKeys);
  const rows = keys.length > 0 ? await store.get(keys) : [];
  let at = 0;
  return places.map((placed) => {
    if ('text' in placed) return unpack(placed.text);
    if ('deflated' in placed) return unpackDeflated(placed.deflated);
    const pieces = rows.slice(at, at + placed.chunks);
    at += placed.chunks;
    if (pieces.some((piece) => piece === undefined)) return undefined;
    const bytes = pieces.map((piece) => piece!.bytes);
    if (bytes.every((one) => one instanceof Uint8Array)) return unpackDeflated(Buffer.concat(bytes));
    return allUnreadable(bytes.map((one) => (typeof one === 'string' ? one : '')).join(''));
  });
}
