/**
 * Bodies of an exact size, as JSON text. Forty bytes are a small event. Larger ones are an order's event whose bulk is random
 * characters (an opaque document, a signature, an encrypted part), so that deflating takes off a quarter and no more:
 * most JSON in earnest shrinks to a third or less, and is stored for less than what is measured here.
 */
import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { Json } from '../contract/contract.ts';

/** From this on a body is an order's event. */
const eventBytesMin = 256;

export function bodyOf(bytes: number): Json {
  const frame = bytes < eventBytesMin ? { order: 4_711_000, note: '' } : orderEvent();
  const bulk = 'note' in frame ? 'note' : 'document';
  const missing = bytes - Buffer.byteLength(JSON.stringify(frame));
  if (missing < 0) throw new Error(`a body needs at least ${bytes - missing} bytes, and is to have ${bytes}`);
  return { ...frame, [bulk]: randomText(missing) };
}

/** What is left of a body's text once deflated, as a share. */
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

/** Characters of base64url: six bits each. */
function randomText(chars: number): string {
  return randomBytes(Math.ceil((chars * 3) / 4))
    .toString('base64url')
    .slice(0, chars);
}
