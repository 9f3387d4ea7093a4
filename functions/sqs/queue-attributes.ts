/** Attributes of queues: which there are, their limits, and how they map to settings of the queue. */
import type { Counts, QueueSettings } from '../../contract/contract.ts';
import type { QueueRecord } from '../../engine/model/queue-record.ts';
import type { Addresses } from './addresses.ts';
import { SqsError } from './errors.ts';
import { checkThroughputLimit, fifoAttributes, fiveMinutes, isFifo, orderedGroups, shownFifoAttributes } from './fifo.ts';
import { isObject } from './input.ts';
import type { SqsLimits } from './limits.ts';
import { fairGroups } from './message-groups.ts';
import type { SqsExtras } from './queue-rows.ts';
import { deadLetterOf, redriveAllowPolicyFault, redrivePolicyOf } from './redrive-policies.ts';

const daySeconds = 24 * 60 * 60;
/** What SQS gives a queue that is created without attributes, where the queue's own default differs. */
export function createdSettings(name: string): Partial<QueueSettings> {
  const byType = isFifo(name) ? { groups: orderedGroups, deduplication: fiveMinutes } : { groups: fairGroups };
  return { backoff: null, retentionSeconds: 4 * daySeconds, ...byType };
}
/** Shown for a queue of another API that keeps its messages forever. */
const forever = 3650 * daySeconds;

/** The least and the greatest value. The greatest of some may be another in a queue with the setting `sqs.extended`. */
const numeric = {
  VisibilityTimeout: [0, 'visibilitySecondsMax'],
  DelaySeconds: [0, 'delaySecondsMax'],
  MessageRetentionPeriod: [60, 'retentionSecondsMax'],
  MaximumMessageSize: [1_024, 1_048_576],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  KmsDataKeyReusePeriodSeconds: [60, 86_400],
} as const;
const settingsByName = {
  VisibilityTimeout: 'visibilityTimeoutSeconds',
  DelaySeconds: 'delaySeconds',
  MessageRetentionPeriod: 'retentionSeconds',
} as const;
const statementsMax = 20;

/** Attributes that can be set, besides `RedrivePolicy`. */
const settable: ReadonlySet<string> = new Set([
  ...Object.keys(numeric),
  'Policy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'SqsManagedSseEnabled',
]);
const ofFifo: ReadonlySet<string> = new Set(['FifoQueue', ...Object.keys(fifoAttributes)]);
export const countedNames: ReadonlySet<string> = new Set([
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
]);
/** Attributes that a call may ask for. */
export const readableNames: ReadonlySet<string> = new Set([
  ...settable,
  ...countedNames,
  ...ofFifo,
  'RedrivePolicy',
  'QueueArn',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
]);

/** Attributes of a call: those that are settings of the queue, and the others, where an empty text removes one. */
export interface GivenAttributes {
  settings: Partial<QueueSettings>;
  extras: { [name: string]: string };
}

/** Attributes for a queue of this name. Throws `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameterValue`. */
export function givenAttributes(queue: string, given: readonly [string, string][], limits: SqsLimits): GivenAttributes {
  const settings: Partial<QueueSettings> = {};
  const extras: { [name: string]: string } = {};
  for (const [name, value] of given) {
    if (isFifo(queue) && ofFifo.has(name)) {
      const values = fifoAttributes[name] ?? ['true'];
      if (!values.includes(value)) throw invalidAttribute(name);
      // A queue is FIFO by its name.
      if (name !== 'FifoQueue') extras[name] = value;
      continue;
    }
    if (name === 'RedrivePolicy') settings.deadLetter = deadLetterOf(value);
    else if (!settable.has(name)) throw unknownAttribute(name);
    else if (name in settingsByName)
      settings[settingsByName[name as keyof typeof settingsByName]] = wholeValue(name, value, limits);
    else extras[name] = checkedExtra(name, value, limits);
  }
  if (extras.KmsMasterKeyId && extras.SqsManagedSseEnabled === 'true') {
    throw new SqsError(
      'InvalidAttributeName',
      'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.',
    );
  }
  return { settings, extras };
}

function checkedExtra(name: string, value: string, limits: SqsLimits): string {
  if (name in numeric) return String(wholeValue(name, value, limits));
  if (name === 'SqsManagedSseEnabled') {
    if (value !== 'true' && value !== 'false') throw invalidAttribute(name);
    return value;
  }
  if (name === 'Policy' && value !== '' && !isPolicy(value)) throw invalidAttribute(name);
  if (name === 'RedriveAllowPolicy' && value !== '') {
    const fault = redriveAllowPolicyFault(value);
    if (fault !== undefined) throw fault;
  }
  if (value.length > 65_536 || !value.isWellFormed()) throw invalidAttribute(name);
  return value;
}

function wholeValue(name: string, value: string, limits: SqsLimits): number {
  const [min, limit] = numeric[name as keyof typeof numeric];
  const max = typeof limit === 'number' ? limit : limits[limit];
  const number = Number(value);
  if (!/^\d{1,9}$/.test(value) || number < min || number > max) throw invalidAttribute(name);
  return number;
}

function isPolicy(text: string): boolean {
  try {
    const policy: unknown = JSON.parse(text);
    const statements = isObject(policy) ? [policy.Statement].flat() : [];
    return statements.length > 0 && statements.length <= statementsMax && statements.every(isObject);
  } catch {
    return false;
  }
}

export function unknownAttribute(name: string): SqsError {
  return new SqsError('InvalidAttributeName', `Unknown Attribute ${name.slice(0, 100)}.`);
}

function invalidAttribute(name: string): SqsError {
  return new SqsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
}

/** Throws `InvalidAttributeName`. */
export function checkReadable(names: readonly string[]): void {
  for (const name of names) if (name !== 'All' && !readableNames.has(name)) throw unknownAttribute(name);
}

/** The extras with these attributes changed. Throws `InvalidAttributeValue` if they do not go together. */
export function withAttributes(extras: SqsExtras, changes: GivenAttributes['extras'], now: number): SqsExtras {
  const kept = Object.entries({ ...extras.attributes, ...otherEncryption(changes), ...changes }).filter(
    ([, value]) => value !== '',
  );
  const attributes = Object.fromEntries(kept);
  checkThroughputLimit(attributes);
  return { ...extras, attributes, updatedAt: now };
}

/** A queue has one type of encryption: the one that is set ends the other. */
function otherEncryption(changes: GivenAttributes['extras']): GivenAttributes['extras'] {
  if (changes.KmsMasterKeyId) return { SqsManagedSseEnabled: 'false' };
  return changes.SqsManagedSseEnabled === 'true' ? { KmsMasterKeyId: '', KmsDataKeyReusePeriodSeconds: '' } : {};
}

export function maximumMessageSize({ attributes }: SqsExtras): number {
  return Number(attributes.MaximumMessageSize ?? numeric.MaximumMessageSize[1]);
}

export function receiveWaitSeconds({ attributes }: SqsExtras): number {
  return Number(attributes.ReceiveMessageWaitTimeSeconds ?? 0);
}

/** All attributes as SQS shows them. Without `counts`, those that count messages are left out. */
export function shownAttributes(
  record: QueueRecord,
  extras: SqsExtras,
  addresses: Addresses,
  counts?: Counts,
): { [name: string]: string } {
  const { KmsMasterKeyId: key, ...attributes } = extras.attributes;
  const updatedAt = Math.max(record.updatedAt, extras.updatedAt ?? 0);
  return {
    QueueArn: addresses.arnOf(record.name),
    CreatedTimestamp: String(Math.floor(record.createdAt / 1000)),
    LastModifiedTimestamp: String(Math.floor(updatedAt / 1000)),
    ...(counts && {
      ApproximateNumberOfMessages: String(counts.ready + counts.dead),
      ApproximateNumberOfMessagesNotVisible: String(counts.leased),
      ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    }),
    VisibilityTimeout: String(record.visibilityTimeoutSeconds),
    DelaySeconds: String(record.delaySeconds),
    MessageRetentionPeriod: String(record.retentionSeconds ?? forever),
    MaximumMessageSize: String(maximumMessageSize(extras)),
    ReceiveMessageWaitTimeSeconds: String(receiveWaitSeconds(extras)),
    SqsManagedSseEnabled: key === undefined ? 'true' : 'false',
    ...(key !== undefined && { KmsMasterKeyId: key, KmsDataKeyReusePeriodSeconds: '300' }),
    ...(record.deadLetter && { RedrivePolicy: redrivePolicyOf(record.deadLetter, addresses) }),
    ...(isFifo(record.name) && shownFifoAttributes(extras)),
    ...attributes,
  };
}

/** The first of the given attributes that the queue has otherwise. */
export function differingAttribute(
  { settings, extras }: GivenAttributes,
  record: QueueRecord,
  shown: { readonly [name: string]: string },
): string | undefined {
  for (const [name, setting] of Object.entries(settingsByName)) {
    if (settings[setting] !== undefined && settings[setting] !== record[setting]) return name;
  }
  if (settings.deadLetter !== undefined) {
    const [asked, there] = [settings.deadLetter, record.deadLetter];
    if (asked?.queue !== there?.queue || asked?.maxReceives !== there?.maxReceives) return 'RedrivePolicy';
  }
  return Object.keys(extras).find((name) => canonical(extras[name] ?? '') !== canonical(shown[name] ?? ''));
}

/** The same text for equal JSON; a text that is no JSON stays as it is. */
function canonical(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
