/**
 * Schemas of the settings of a queue, complete, as the queue returns them. What callers give may leave fields out: see
 * queue-settings.ts.
 */
import * as z from 'zod';
import type { CheckBack } from '../contract.ts';
import * as limits from '../limits.ts';
import {
  between,
  delaySeconds,
  flag,
  oneOf,
  queueName,
  retentionSeconds,
  safeText,
  seconds,
  tinyToZero,
  visibilityTimeoutSeconds,
  whole,
} from './fields.ts';

const urlError = `must be a URL of https, or of http on localhost, of at most ${limits.urlCharsMax} characters`;
export const deadLetter = settingObject({
  queue: queueName.describe(
    'The queue that takes the messages. It must exist, and its dead-letter queues must not lead back to this queue.',
  ),
  maxReceives: whole(limits.maxReceivesMin, limits.maxReceivesMax).describe(
    'A message is moved after this many receives without an ack.',
  ),
});

export const backoff = settingObject({
  minSeconds: seconds(limits.backoffSecondsMin, limits.backoffSecondsMax).describe(
    'The wait after the first failure, in seconds.',
  ),
  maxSeconds: seconds(limits.backoffSecondsMin, limits.backoffSecondsMax).describe(
    'The longest wait, in seconds; at least `minSeconds`.',
  ),
  factor: between(limits.backoffFactorMin, limits.backoffFactorMax).describe('Each wait is this many times the previous one.'),
  jitter: between(limits.backoffJitterMin, limits.backoffJitterMax)
    .overwrite(tinyToZero)
    .describe('The share of each wait that is random: 0 is none of it, 1 is all of it.'),
}).refine((value) => value.maxSeconds >= value.minSeconds, { path: ['maxSeconds'], error: 'must be at least minSeconds' });

export const priority = settingObject({
  levels: whole(limits.priorityLevelsMin, limits.priorityLevelsMax).describe(
    'The number of levels. Messages have a priority from 0, the least urgent, to one less than this.',
  ),
  order: oneOf(['strict', 'weighted']).describe(
    '`strict`: always the highest first. `weighted`: level n comes first n + 1 times as often as level 0, so that no level starves.',
  ),
});
export const deduplication = settingObject({
  windowSeconds: seconds(limits.deduplicationSecondsMin, limits.deduplicationSecondsMax)
    .nullable()
    .describe(
      'How long a key stays taken after the accepted publish, in seconds. A key is always taken while its message waits or is leased; `null`: no longer.',
    ),
  onDuplicate: oneOf(['ignore', 'replace', 'debounce']).describe(
    '`ignore`: nothing is published. While the message waits, `replace` replaces its body and attributes; `debounce` also restarts its delay.',
  ),
});
const checkBackUrl = z.string({ error: urlError }).max(limits.urlCharsMax, urlError).refine(isCheckBackUrl, { error: urlError });
export const functionName = safeText('A-Za-z0-9_:.$-', 'A-Z a-z 0-9 _ : . $ -', limits.functionNameCharsMax);
/** Exactly one of the two fields. It is one object, because generated clients handle a choice between objects badly. */
export const checkBack = settingObject({
  url: checkBackUrl.describe('An HTTPS URL to POST to; HTTP only for localhost. Give either this or `functionName`.').optional(),
  functionName: functionName.describe('The name or ARN of a Lambda function to invoke. Give either this or `url`.').optional(),
}).refine(({ url, functionName: name }) => (url === undefined) !== (name === undefined), {
  error: `must be null, or an object of one url (${urlError}) or one functionName`,
});
export const prepared = z.strictObject({
  timeoutSeconds: seconds(limits.preparedTimeoutSecondsMin, limits.preparedTimeoutSecondsMax).describe(
    'How long a message may stay prepared, in seconds. The sweep handles the time-out within a minute.',
  ),
  checkBack: (checkBack as unknown as z.ZodType<CheckBack>)
    .nullable()
    .describe(
      'What to ask after the time-out, and again after each further one; `null`: nothing is asked, and the message is rolled back.',
    ),
});
export const groups = settingObject({
  concurrency: whole(limits.groupConcurrencyMin, limits.groupConcurrencyMax).describe(
    'Leases that one group may have at a time. More than 1 gives up the order within the group.',
  ),
  onFailure: oneOf(['block', 'aside']).describe(
    'What happens to a message that fails. `block`: its group waits until the message is done or dead. `aside`: the message leaves the group and is retried separately.',
  ),
  ratePerSecond: between(limits.groupRatePerSecondMin, limits.groupRatePerSecondMax)
    .nullable()
    .describe('The maximum number of messages that one group delivers per second; `null`: no limit.'),
  deadLetters: oneOf(['apart', 'ordered']).describe(
    'How dead letters of groups are received from this queue. `apart`: each by its age. `ordered`: as messages of their group, in the order in which they died.',
  ),
});
const keepSeconds = seconds(limits.keepSecondsMin, limits.keepSecondsMax);
export const keep = settingObject({
  doneSeconds: keepSeconds.describe(
    'How long acked messages stay readable by id, with their results, in seconds; 0: not at all.',
  ),
  deadSeconds: keepSeconds.describe(
    'The same for messages that were cancelled, or that expired in a queue without a dead-letter queue.',
  ),
});
export const queueLimits = settingObject({
  concurrency: whole(limits.queueConcurrencyMin, limits.queueConcurrencyMax)
    .nullable()
    .describe('The maximum number of messages under a lease at a time; `null`: no limit.'),
  ratePerSecond: between(limits.queueRatePerSecondMin, limits.queueRatePerSecondMax)
    .nullable()
    .describe(
      "The maximum number of messages received per second. One receive may take a second's worth at once, and at least one message; `null`: no limit.",
    ),
});
export const sqs = settingObject({
  extended: flag.describe(
    "Whether the queue's own limits count in the SQS API, for delays, visibility timeouts, retention and batches, in place of the limits of SQS.",
  ),
});
export const settings = {
  visibilityTimeoutSeconds: visibilityTimeoutSeconds.describe(
    'How long a received message is hidden from other receivers unless the receive gives a time, in seconds.',
  ),
  delaySeconds: delaySeconds.describe('How long a published message is hidden unless the publish gives a delay, in seconds.'),
  retentionSeconds: retentionSeconds
    .nullable()
    .describe('How long a message may wait, in seconds, from when it first becomes ready; fixed at publish. `null`: forever.'),
  deadLetter: deadLetter
    .nullable()
    .describe('Where messages go after too many failures; `null`: nowhere, and they are retried until they expire.'),
  backoff: backoff
    .nullable()
    .describe('How long a message waits after a failure; the wait grows with each failure. `null`: not at all.'),
  priority: priority.nullable().describe('Priority levels; `null`: one level.'),
  groups: groups
    .nullable()
    .describe(
      'How messages of a group are received; `null`: one lease at a time for each group, a failed message blocks its group, and no rate limit.',
    ),
  limits: queueLimits.nullable().describe('Limits of the queue over all its receivers; `null`: no limits.'),
  deduplication: deduplication
    .nullable()
    .describe('What happens to a publish whose `dedupKey` is taken; `null`: publishes with a `dedupKey` are refused.'),
  prepared: prepared
    .nullable()
    .describe(
      'What happens to prepared messages that are neither committed nor rolled back; `null`: publishes with `prepared` are refused.',
    ),
  keep: keep.nullable().describe('How long ended messages stay readable by id; `null`: not at all.'),
  idempotency: oneOf(['live', 'acked', 'ended']).describe(
    'How long an id chosen by the caller stays taken. `live`: while its message lives. `acked`: also for an hour after its ack. `ended`: also for an hour after a cancel.',
  ),
  sqs: sqs.nullable().describe('What clients of SQS may do; `null`: what SQS allows.'),
  paused: flag.describe('Whether the queue is paused: it accepts messages and delivers none. Existing leases continue.'),
};

/** The queue itself calls this URL: no other scheme, and no password, because anyone who may read settings sees it. */
function isCheckBackUrl(text: string): boolean {
  // The URL parser replaces an unpaired surrogate, but a row would store the original text.
  if (!text.isWellFormed() || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

function settingObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, { error: ({ code }) => (code === 'invalid_type' ? 'must be an object or null' : undefined) });
}
