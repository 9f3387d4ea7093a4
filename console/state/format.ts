/** Numbers and instants as text for people. */
import type { Counts } from '../../contract/contract.ts';
import { durationText } from '../../contract/duration-text.ts';

const whole = new Intl.NumberFormat('en');

/** `1,234`; `≥ 1,234` where the queue holds more than one call counts. */
export function countText(count: number, { atLeast }: Pick<Counts, 'atLeast'> = { atLeast: false }): string {
  return `${atLeast ? '≥ ' : ''}${whole.format(count)}`;
}

/** `in 5 min` or `5 min ago`. */
export function fromNow(instant: string, now = Date.now()): string {
  const seconds = (Date.parse(instant) - now) / 1000;
  return seconds > 0 ? `in ${durationText(seconds)}` : `${durationText(-seconds)} ago`;
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function instantText(instant: string): string {
  return local.format(new Date(instant));
}

/** An instant in a zone, with the zone's name. */
export function instantIn(instant: string, timeZone: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long', timeZone }).format(new Date(instant));
}
