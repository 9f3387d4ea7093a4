/** FIFO queues: `MessageGroupId` is a group in order, and a `MessageDeduplicationId` is taken for five minutes. */
import { hash } from 'node:crypto';
import type { PublishEntry } from '../../contract/contract.ts';
import { fifoEnding } from '../../contract/path-names.ts';
import { orderAt, orderOf } from '../../engine/model/ids.ts';
import { invalidParameter, missing, SqsError } from './errors.ts';
import { type Input, textOf } from './input.ts';
import { idOf, notForThisType, type Placement } from './message-groups.ts';
import type { SqsExtras, SqsQueue } from './queue-rows.ts';

/** One receive at a time takes messages of a group, dead letters too, and a failed message blocks its group. */
export const orderedGroups = { concurrency: 1, onFailure: 'block', ratePerSecond: null, deadLetters: 'ordered' } as const;
export const fiveMinutes = { windowSeconds: 300, onDuplicate: 'ignore' } as const;

/** Attributes of FIFO queues alone, with their values; the first is the default. */
export const fifoAttributes: { readonly [name: string]: readonly string[] } = {
  ContentBasedDeduplication: ['false', 'true'],
  DeduplicationScope: ['queue', 'messageGroup'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
};

export function isFifo(name: string): boolean {
  return name.endsWith(fifoEnding);
}

/** As SQS shows them. */
export function shownFifoAttributes({ attributes }: SqsExtras): { [name: string]: string } {
  const settable = Object.entries(fifoAttributes).map(([name, [initial]]) => [name, attributes[name] ?? initial!]);
  return { FifoQueue: 'true', ...Object.fromEntries(settable) };
}

/** Throws `InvalidAttributeValue`. */
export function checkThroughputLimit(attributes: { readonly [name: string]: string }): void {
  if (attributes.FifoThroughputLimit === 'perMessageGroupId' && attributes.DeduplicationScope !== 'messageGroup') {
    throw new SqsError(
      'InvalidAttributeValue',
      'The perMessageGroupId value of FifoThroughputLimit is allowed only when the value of DeduplicationScope is messageGroup.',
    );
  }
}

export function fifoPlacement(input: Input, body: string, { extras }: Pick<SqsQueue, 'extras'>, delay?: number): Placement {
  if (delay !== undefined && delay > 0) throw notForThisType(input, 'DelaySeconds');
  const group = idOf(input, 'MessageGroupId');
  if (group === undefined) throw missing('MessageGroupId');
  checkDeduplication(input, extras);
  const given = idOf(input, 'MessageDeduplicationId');
  const scope = extras.attributes.DeduplicationScope === 'messageGroup' ? group : '';
  // Of fixed length, and of characters that every key may have. No MessageGroupId has a space.
  const dedupKey = hash('sha256', `${scope} ${given ?? contentId(body)}`, 'base64url');
  const system = given === undefined ? [] : [['MessageDeduplicationId', { type: 'String', value: given }] as const];
  return { fields: { group, dedupKey }, system: new Map(system) };
}

function checkDeduplication(input: Input, { attributes }: SqsExtras): void {
  if (textOf(input, 'MessageDeduplicationId') !== undefined || attributes.ContentBasedDeduplication === 'true') return;
  throw invalidParameter(
    'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
}

/** An entry of a batch without a group or a deduplication id refuses the whole call, as in SQS. Throws `InvalidParameterValue`. */
export function checkEntries(entries: readonly { input: Input }[], { record, extras }: SqsQueue): void {
  if (!isFifo(record.name)) return;
  for (const { input } of entries) {
    if (textOf(input, 'MessageGroupId') === undefined) throw invalidParameter(missing('MessageGroupId').message);
    checkDeduplication(input, extras);
  }
}

/**
 * Divides the messages of a batch into publishes that follow one another. Groups are published side by side, so a deduplication id
 * that two of them have would be that of either. Those of one group stay in order.
 */
export function inRounds(messages: readonly PublishEntry[]): PublishEntry[][] {
  const rounds: PublishEntry[][] = [];
  const firsts = new Map<string | undefined, { group: string | undefined; round: number }>();
  const lasts = new Map<string | undefined, number>();
  for (const message of messages) {
    const { group, dedupKey } = message;
    const first = dedupKey === undefined ? undefined : firsts.get(dedupKey);
    const after = first !== undefined && first.group !== group ? first.round + 1 : 0;
    const round = Math.max(lasts.get(group) ?? 0, after);
    lasts.set(group, round);
    if (first === undefined) firsts.set(dedupKey, { group, round });
    if (round === rounds.length) rounds.push([]);
    rounds[round]!.push(message);
  }
  return rounds;
}

/** The `MessageDeduplicationId` of a message that was sent without one. */
export function contentId(body: string): string {
  return hash('sha256', body, 'hex');
}

/** 20 digits, which grow within a group. An id that another API chose tells nothing of the place. */
export function sequenceNumberOf(id: string, publishedAt: number): string {
  return String(10n ** 19n + (orderOf(id) ?? orderAt(publishedAt)));
}

/** Throws `InvalidParameterValue`. */
export function attemptIdOf(input: Input, name: string): string | undefined {
  const attemptId = idOf(input, 'ReceiveRequestAttemptId');
  if (attemptId !== undefined && !isFifo(name)) throw notForThisType(input, 'ReceiveRequestAttemptId');
  return attemptId;
}
