/** When messages become ready, by their publish or by the default delay of their queue. */
import type { PublishEntry } from '../../../contract/contract.ts';
import type { Ledger } from './ledger.ts';
import type { CallOf } from './outcomes.ts';

/** Which of the settings that may have been in force counts: the shortest or the longest delay. */
export type Bound = 'least' | 'most';

type Wait = Pick<PublishEntry, 'delaySeconds' | 'deliverAt'>;

/** When a message that entered its queue at `enteredAt` is ready. Both in ms by the queue's clock. */
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

/** The due time that an update at this instant asks for. Both in ms by the queue's clock. */
export function askedTime({ input: { delaySeconds = 0, deliverAt } }: CallOf<'updateMessage'>, changedAt: number): number {
  return deliverAt === undefined ? changedAt + delaySeconds * 1000 : Math.max(changedAt, Date.parse(deliverAt));
}
