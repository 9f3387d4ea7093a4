/** How long messages wait by what their publish said, or where it said nothing by a setting of their queue. */
import type { PublishEntry } from '../../../contract/contract.ts';
import type { Ledger } from './ledger.ts';
import type { CallOf } from './outcomes.ts';

/** Those settings that may have counted: the least, or the most, that a message may have waited by them. */
export type Bound = 'least' | 'most';

type Wait = Pick<PublishEntry, 'delaySeconds' | 'deliverAt'>;

/** When a message is to be ready that came into its queue at `enteredAt`; ms, both by the queue's clocks. */
export function readyAt(
  { queues }: Pick<Ledger, 'queues'>,
  queue: string,
  { delaySeconds, deliverAt }: Wait,
  enteredAt: number,
  bound: Bound,
): number {
  if (deliverAt !== undefined) return Math.max(enteredAt, Date.parse(deliverAt));
  const all = queues.settings(queue).map((one) => one.delaySeconds);
  const setting = bound === 'most' || all.length === 0 ? Math.max(0, ...all) : Math.min(...all);
  return enteredAt + (delaySeconds ?? setting) * 1000;
}

export function hasSameWait(one: Wait, other: Wait): boolean {
  return one.delaySeconds === other.delaySeconds && one.deliverAt === other.deliverAt;
}

/** When a message is to come by a change of its time that was made at this instant; ms, both by the queue's clocks. */
export function askedTime({ input: { delaySeconds = 0, deliverAt } }: CallOf<'updateMessage'>, changedAt: number): number {
  return deliverAt === undefined ? changedAt + delaySeconds * 1000 : Math.max(changedAt, Date.parse(deliverAt));
}
