/** The fields that inputs are made of. Each says in one sentence what it must be; refusal.ts adds what was given. */
import * as z from 'zod';
import * as limits from '../limits.ts';
import { anyIdCharacters, idCharacters, isDotSegment, nameCharacters } from '../path-names.ts';
import { bodyFault } from './body.ts';

/** A whole number, both bounds included. */
export function whole(min: number, max: number, unit = '') {
  const error = `must be a whole number${unit === '' ? '' : ` of ${unit}`} from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

export function seconds(min: number, max: number) {
  return whole(min, max, 'seconds');
}

/** A row cannot hold it. */
const halfPair = { error: 'must not have half a surrogate pair' };
const isWellFormed = (value: string) => value.isWellFormed();

function text(min: number, max: number) {
  const error = `must be a text of ${min} to ${max} characters`;
  return z.string({ error }).min(min, { error }).max(max, { error }).refine(isWellFormed, halfPair);
}

/** A text of some characters alone. `set` is the inside of a regular expression's brackets. */
export function safeText(set: string, says: string, max: number) {
  const error = `must be 1 to ${max} characters of ${says}`;
  return z.string({ error }).regex(new RegExp(`^[${set}]{1,${max}}$`), { error });
}

export function oneOf<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

export const queueName = safeText(nameCharacters, 'A-Z a-z 0-9 _ -', limits.queueNameCharsMax);
const idSays = 'A-Z a-z 0-9 _ . : -';
export const taskId = safeText(idCharacters, idSays, limits.messageIdCharsMax);
export const keyId = taskId;
/** A caller's own. `.` and `..` could never be part of a URL. */
export const messageId = safeText(idCharacters, idSays, limits.messageIdCharsMax).refine((id) => !isDotSegment(id), {
  error: 'must not be . or .., which no URL can name',
});
export const dedupKey = safeText(idCharacters, idSays, limits.dedupKeyCharsMax);
/** Of any message: the queue's, a caller's own, or made of a `dedupKey`. */
export const anyMessageId = safeText(anyIdCharacters, `${idSays} @ ~`, limits.anyMessageIdCharsMax);
export const scheduleName = safeText(nameCharacters, 'A-Z a-z 0-9 _ -', limits.scheduleNameCharsMax);
export const attributeName = safeText('A-Za-z0-9_.-', 'A-Z a-z 0-9 _ . -', limits.attributeNameCharsMax);
export const queuePattern = safeText('A-Za-z0-9_*-', 'A-Z a-z 0-9 _ - and *', limits.queueNameCharsMax);
export const keyName = text(1, limits.keyNameCharsMax);
export const scope = oneOf(['publish', 'receive', 'admin']);
const liveStates = ['delayed', 'ready', 'leased', 'dead', 'prepared'] as const;
export const messageState = oneOf(liveStates);
/** Also of messages that have ended, and are kept. */
export const anyState = oneOf([...liveStates, 'done', 'cancelled', 'expired']);

export const delaySeconds = seconds(limits.delaySecondsMin, limits.delaySecondsMax);
export const visibilityTimeoutSeconds = seconds(limits.visibilityTimeoutSecondsMin, limits.visibilityTimeoutSecondsMax);
export const waitSeconds = seconds(limits.waitSecondsMin, limits.waitSecondsMax);
export const batchMax = whole(1, limits.batchEntriesMax);
export const ratePerSecond = whole(limits.redriveRatePerSecondMin, limits.redriveRatePerSecondMax);
export const pageLimit = whole(1, limits.pageEntriesMax);
export const cursor = text(1, limits.cursorCharsMax);
/** Any length: the engine cuts it. A failure must never fail to be told. */
export const failed = z.string({ error: 'must be a text' });
export const deathReason = oneOf(['max_receives', 'expired', 'rejected', 'unreadable']);
export const instant = z.iso.datetime({
  offset: true,
  error: 'must be an instant of RFC 3339, such as 2026-01-31T12:00:00.000Z',
});

/** Judged by the engine's clock, which knows how far off it is: see `delaySecondsMax`. */
export const deliverAt = instant;

export const priorityLevel = whole(0, limits.priorityLevelsMax - 1);
export const group = text(1, limits.groupCharsMax);
export const progress = between(limits.progressMin, limits.progressMax).overwrite(orNone);
export const result = z
  .unknown()
  .superRefine((value, context) => {
    const message = value === undefined ? undefined : bodyFault(value, limits.resultBytesMax);
    if (message !== undefined) context.addIssue({ code: 'custom', message, input: undefined, params: { given: false } });
  })
  .meta({
    description: `A result, kept with each of the messages if the queue keeps what is done: any JSON value of at most ${limits.resultBytesMax} bytes as UTF-8 text. Default: none; if the queue keeps nothing, null is none as well.`,
  });
export const flag = z.boolean({ error: 'must be true or false' });

export const retentionSeconds = seconds(limits.retentionSecondsMin, limits.retentionSecondsMax);

/** A share too small to count is none: DynamoDB holds no number so near to 0. */
export function orNone(share: number): number {
  return share < Number.EPSILON ? 0 : share;
}

export function between(min: number, max: number) {
  const error = `must be a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

/** A list of `min` to `max` of `entry`. */
export function list<Entry extends z.ZodType>(entry: Entry, min: number, max: number) {
  const error = `must be a list of ${min} to ${max} entries`;
  return z.array(entry, { error }).min(min, { error }).max(max, { error });
}
