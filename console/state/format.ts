/** Numbers, durations and instants as text for people. */
import type { Counts } from '../../contract/contract.ts';

const whole = new Intl.NumberFormat('en');

/** `1,234`; `≥ 1,234` where the queue holds more than one call counts. */
export function countText(count: number, { atLeast }: Pick<Counts, 'atLeast'> = { atLeast: false }): string {
  return `${atLeast ? '≥ ' : ''}${whole.format(count)}`;
}

const units: readonly [string, number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** `3 d 4 h`, `12 s`, `0.4 s`: the two largest units. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const first = units.findIndex(([, size]) => seconds >= size);
  const [[unit, size], smaller] = [units[first]!, units[first + 1]];
  const rest = smaller ? Math.floor((seconds % size) / smaller[1]) : 0;
  return `${Math.floor(seconds / size)} ${unit}${smaller && rest > 0 ? ` ${rest} ${smaller[0]}` : ''}`;
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
