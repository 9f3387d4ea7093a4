/** Bodies that tell one message from another, and that no deflating brings into a row where they are to lie beside it. */

import type { Json } from '../../../contract/contract.ts';
import { seededRandom } from '../../../engine/port/random.ts';

export function bodyOf(number: number, chars: number): Json {
  return chars === 0 ? number : { number, filling: seededRandom(number).chars(chars) };
}

/** What it was made of. */
export function numberOf(body: Json): number {
  return typeof body === 'number' ? body : Number((body as { number: number }).number);
}
