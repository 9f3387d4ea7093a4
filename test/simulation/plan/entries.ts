/** Planned messages as the entries of a publish. */
import type { PublishEntry, TopicEntry } from '../../../contract/contract.ts';
import { bodyOf } from './bodies.ts';
import type { PlannedMessage, PlannedTopicMessage } from './plan.ts';

/** `now`: by the clock of the publishing process, ms. */
export function entriesOf(messages: readonly PlannedMessage[], now: number): PublishEntry[] {
  return messages.map(({ number, chars, deliverSeconds, ...rest }) => ({
    body: bodyOf(number, chars),
    ...rest,
    ...instantOf(deliverSeconds, now),
  }));
}

export function topicEntriesOf(messages: readonly PlannedTopicMessage[], now: number): TopicEntry[] {
  return messages.map(({ kind, subject, ...message }) => ({
    ...entriesOf([message], now)[0]!,
    ...(subject === undefined ? {} : { subject }),
    ...(kind === undefined ? {} : { attributes: { kind } }),
  }));
}

export function instantOf(deliverSeconds: number | undefined, now: number): Pick<PublishEntry, 'deliverAt'> {
  return deliverSeconds === undefined ? {} : { deliverAt: new Date(now + deliverSeconds * 1000).toISOString() };
}
