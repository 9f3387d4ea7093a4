/** `RedrivePolicy`, which is the setting `deadLetter`, and `RedriveAllowPolicy`, by which a dead-letter queue chooses its sources. */
import type { DeadLetter } from '../../contract/contract.ts';
import { maxReceivesMax } from '../../contract/limits.ts';
import { type Addresses, queueOfArn } from './addresses.ts';
import { invalidValue, type SqsError } from './errors.ts';
import { isFifo } from './fifo.ts';
import { isObject } from './input.ts';
import type { QueueRows } from './queue-rows.ts';

const sourcesMax = 10;

/** An empty text removes the policy. Throws `InvalidParameterValue`. */
export function deadLetterOf(text: string): DeadLetter | null {
  if (text === '') return null;
  const invalid = (reason: string) => invalidValue(text, 'RedrivePolicy', reason);
  const policy = parsed(text);
  if (policy === undefined) throw invalid('Redrive policy is not a valid JSON map.');
  for (const name of ['deadLetterTargetArn', 'maxReceiveCount']) {
    if (!Object.hasOwn(policy, name)) throw invalid(`Redrive policy does not contain mandatory attribute: ${name}.`);
  }
  const unknown = Object.keys(policy).find((name) => name !== 'deadLetterTargetArn' && name !== 'maxReceiveCount');
  if (unknown !== undefined) throw invalid('Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].');
  const { deadLetterTargetArn: arn, maxReceiveCount } = policy;
  const count = /^\d{1,4}$/.test(String(maxReceiveCount)) ? Number(maxReceiveCount) : 0;
  if (count < 1 || count > maxReceivesMax) {
    throw invalid(
      `Invalid value for maxReceiveCount: ${String(maxReceiveCount).slice(0, 40)}, valid values are from 1 to ${maxReceivesMax} both inclusive.`,
    );
  }
  const queue = typeof arn === 'string' ? queueOfArn(arn) : undefined;
  if (queue === undefined) throw invalid('Invalid value for deadLetterTargetArn.');
  return { queue, maxReceives: count };
}

export function redrivePolicyOf({ queue, maxReceives }: DeadLetter, { arnOf }: Addresses): string {
  return JSON.stringify({ deadLetterTargetArn: arnOf(queue), maxReceiveCount: maxReceives });
}

/** Throws `InvalidParameterValue` if the dead-letter queue does not exist, is of another type, or does not allow this source. */
export async function checkAllowed(
  queues: QueueRows,
  addresses: Addresses,
  source: string,
  deadLetter: DeadLetter | null | undefined,
): Promise<void> {
  if (!deadLetter) return;
  const invalid = (reason: string) => invalidValue(redrivePolicyOf(deadLetter, addresses), 'RedrivePolicy', reason);
  if (isFifo(source) !== isFifo(deadLetter.queue)) throw invalid('Dead-letter queue must be same type of queue as the source.');
  const target = await queues.find(deadLetter.queue);
  if (!target) throw invalid('Dead letter target does not exist.');
  const policy = parsed(target.extras.attributes.RedriveAllowPolicy ?? '{}') ?? {};
  const sources = Array.isArray(policy.sourceQueueArns) ? policy.sourceQueueArns.map((arn) => queueOfArn(String(arn))) : [];
  const isDenied =
    policy.redrivePermission === 'denyAll' || (policy.redrivePermission === 'byQueue' && !sources.includes(source));
  if (isDenied) throw invalid('The dead-letter queue does not allow this source queue (RedriveAllowPolicy).');
}

/** What is wrong with a `RedriveAllowPolicy`. */
export function redriveAllowPolicyFault(text: string): SqsError | undefined {
  const invalid = (reason: string) => invalidValue(text, 'RedriveAllowPolicy', reason);
  const policy = parsed(text);
  if (policy === undefined) return invalid('Redrive allow policy is not a valid JSON map.');
  const { redrivePermission: permission, sourceQueueArns: sources, ...others } = policy;
  if (Object.keys(others).length > 0) return invalid('Only redrivePermission and sourceQueueArns are supported.');
  if (permission === 'allowAll' || permission === 'denyAll') {
    return sources === undefined ? undefined : invalid(`sourceQueueArns is not allowed with ${permission}.`);
  }
  if (permission !== 'byQueue') return invalid('redrivePermission must be allowAll, denyAll or byQueue.');
  const isList = Array.isArray(sources) && sources.length >= 1 && sources.length <= sourcesMax;
  if (isList && sources.every((arn) => queueOfArn(String(arn)) !== undefined)) return undefined;
  return invalid(`sourceQueueArns must be 1 to ${sourcesMax} ARNs of queues.`);
}

function parsed(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
