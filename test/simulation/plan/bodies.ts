/** Bodies that differ for each message. Large ones do not compress, so that they are offloaded. */

import type { Json } from '../../../contract/contract.ts';
import { seededRandom } from '../../../engine/port/random.ts';

export function bodyOf(number: number, chars: number): Json {
  return chars === 0 ? number : { number, filling: seededRandom(number).chars(chars) };
}

/** The number from which the body was made. */
export function numberOf(body: Json): number {
  return typeof body === 'number' ? body : Number((body as { number: number }).number);
}
