/**
 * Bodies with an exact size as JSON text. Forty bytes are a small event. A larger body is an order event filled up with random characters,
 * like an opaque document or a signature. Compression saves only a quarter of it. Most real JSON compresses to a
 * third or less, and costs less to store than what is measured here.
 */
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Json } from '../contract/contract.ts';

/** Bodies of this size or more are order events. */
const eventBytesMin = 256;

export function bodyOf(bytes: number): Json {
  const frame = bytes < eventBytesMin ? { order: 4_711_000, note: '' } : orderEvent();
  const bulk = 'note' in frame ? 'note' : 'document';
  const missing = bytes - Buffer.byteLength(JSON.stringify(frame));
  if (missing < 0) throw new Error(`a body needs at least ${bytes - missing} bytes, and is to have ${bytes}`);
  return { ...frame, [bulk]: randomText(missing) };
}

/** Compressed size of a body's text, as a share of its size. */
export function deflatedShare(bytes: number): number {
  const text = Buffer.from(JSON.stringify(bodyOf(bytes)));
  return deflateRawSync(text).length / text.length;
}

function orderEvent(): { [name: string]: Json } {
  return {
    type: 'order.placed',
    id: crypto.randomUUID(),
    placedAt: new Date().toISOString(),
    customer: { id: crypto.randomUUID(), country: 'NZ' },
    currency: 'NZD',
    totalCents: Math.floor(Math.random() * 100_000),
    document: '',
  };
}

/** Random characters of base64url. Each holds six bits. */
function randomText(chars: number): string {
  return randomBytes(Math.ceil((chars * 3) / 4))
    .toString('base64url')
    .slice(0, chars);
}
