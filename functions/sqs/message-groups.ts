/** `MessageGroupId` on a standard queue: a tenant, whose backlog delays no message of another tenant by more than one turn. */
import type { PublishEntry } from '../../contract/contract.ts';
import { invalidValue } from './errors.ts';
import { type Input, textOf } from './input.ts';
import type { MessageAttributes } from './message-attributes.ts';
import type { SqsQueue } from './queue-rows.ts';

/** A group of many lanes, which a failed message leaves: its messages need no order, and none waits for another. */
export const fairGroups = { concurrency: 32, onFailure: 'aside', ratePerSecond: null, deadLetters: 'apart' } as const;

/** Letters, digits and punctuation of ASCII. */
const idForm = /^[!-~]{1,128}$/;

/** Where a message goes, and what is stored besides to be shown again. */
export interface Placement {
  fields: Pick<PublishEntry, 'group' | 'dedupKey'>;
  system: MessageAttributes;
}

export function fairPlacement(input: Input, { record }: Pick<SqsQueue, 'record'>, delaySeconds: number | undefined): Placement {
  if (textOf(input, 'MessageDeduplicationId') !== undefined) throw notForThisType(input, 'MessageDeduplicationId');
  const group = idOf(input, 'MessageGroupId');
  if (group === undefined) return { fields: {}, system: new Map() };
  // Stored, because a message that fails leaves its group.
  const system = new Map([['MessageGroupId', { type: 'String', value: group }]]);
  // In a group it would hold up the messages behind it.
  const isDelayed = (delaySeconds ?? record.delaySeconds) > 0;
  return { fields: isDelayed ? {} : { group }, system };
}

/** Throws `InvalidParameterValue`. */
export function idOf(input: Input, name: string): string | undefined {
  const id = textOf(input, name);
  if (id === undefined || idForm.test(id)) return id;
  const reason = `${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`;
  throw invalidValue(id, name, reason);
}

export function notForThisType(input: Input, name: string) {
  return invalidValue(input[name], name, 'The request include parameter that is not valid for this queue type.');
}
