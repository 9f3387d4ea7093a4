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
  orNone,
  queueName,
  retentionSeconds,
  safeText,
  seconds,
  visibilityTimeoutSeconds,
  whole,
} from './fields.ts';

const urlSays = `must be a URL of https, or of http on localhost, of at most ${limits.urlCharsMax} characters`;
export const deadLetter = z.strictObject(
  {
    queue: queueName.describe('The queue that takes the messages. It must exist, and must not lead back here.'),
    maxReceives: whole(limits.maxReceivesMin, limits.maxReceivesMax).describe(
      'A message that was received this often without an ack is moved.',
    ),
  },
  { error: objectOrNull },
);

export const backoff = z
  .strictObject(
    {
      minSeconds: seconds(limits.backoffSecondsMin, limits.backoffSecondsMax).describe('The wait after the first failure.'),
      maxSeconds: seconds(limits.backoffSecondsMin, limits.backoffSecondsMax).describe(
        'The longest wait; at least `minSeconds`.',
      ),
      factor: between(limits.backoffFactorMin, limits.backoffFactorMax).describe('Each wait is this many times the one before.'),
      jitter: between(limits.backoffJitterMin, limits.backoffJitterMax)
        .overwrite(orNone)
        .describe('The share of each wait that is random: 0 is none of it, 1 is all of it.'),
    },
    { error: objectOrNull },
  )
  .refine((value) => value.maxSeconds >= value.minSeconds, { path: ['maxSeconds'], error: 'must be at least minSeconds' });

export const priority = z.strictObject(
  {
    levels: whole(limits.priorityLevelsMin, limits.priorityLevelsMax).describe(
      'Messages have a priority of 0, the least urgent, to one less than this.',
    ),
    order: oneOf(['strict', 'weighted']).describe(
      '`strict`: always the highest first. `weighted`: level n comes first n + 1 times as often as level 0, so that none starves.',
    ),
  },
  { error: objectOrNull },
);
export const deduplication = z.strictObject(
  {
    windowSeconds: seconds(limits.deduplicationSecondsMin, limits.deduplicationSecondsMax)
      .nullable()
      .describe(
        'How long a key is taken from the publish that was accepted. A key is always taken while its message waits or is leased; `null`: no longer.',
      ),
    onDuplicate: oneOf(['ignore', 'replace', 'debounce']).describe(
      '`ignore`: nothing is published. While the message waits, `replace` replaces its body and attributes; `debounce` also restarts its delay.',
    ),
  },
  { error: objectOrNull },
);
const checkBackUrl = z.string({ error: urlSays }).max(limits.urlCharsMax, urlSays).refine(isCheckBackUrl, { error: urlSays });
const functionName = safeText('A-Za-z0-9_:.$-', 'A-Z a-z 0-9 _ : . $ -', limits.functionNameCharsMax);
/** Exactly one of the two fields. It is one object, because generated clients handle a choice between objects badly. */
export const checkBack = z
  .strictObject({
    url: checkBackUrl.describe('A URL of HTTPS to POST to; HTTP for localhost alone. Either this or `functionName`.').optional(),
    functionName: functionName.describe('A Lambda function to invoke, by name or ARN. Either this or `url`.').optional(),
  })
  .refine(({ url, functionName: name }) => (url === undefined) !== (name === undefined), {
    error: `must be null, or an object of one url (${urlSays}) or one functionName`,
  });
export const prepared = z.strictObject(
  {
    timeoutSeconds: seconds(limits.preparedTimeoutSecondsMin, limits.preparedTimeoutSecondsMax).describe(
      'How long a message may be prepared. The sweep handles the time-out within a minute.',
    ),
    checkBack: (checkBack as unknown as z.ZodType<CheckBack>)
      .nullable()
      .describe(
        'Whom to ask after the time-out, and again after each such time; `null`: nobody, and the message is rolled back.',
      ),
  },
  { error: objectOrNull },
);
export const groups = z.strictObject(
  {
    concurrency: whole(limits.groupConcurrencyMin, limits.groupConcurrencyMax).describe(
      'Leases that one group may have at a time. More than 1 gives up the order within it.',
    ),
    onFailure: oneOf(['block', 'aside']).describe(
      'What a message does that fails: `block` holds up its group until it is done or dead; `aside` leaves the group, and is tried by itself.',
    ),
    ratePerSecond: between(limits.groupRatePerSecondMin, limits.groupRatePerSecondMax)
      .nullable()
      .describe('Messages that one group gives a second, at most; `null`: any number.'),
  },
  { error: objectOrNull },
);
const keepSeconds = seconds(limits.keepSecondsMin, limits.keepSecondsMax);
export const keep = z.strictObject(
  {
    doneSeconds: keepSeconds.describe('How long acked messages stay readable by id, with their results; 0: not at all.'),
    deadSeconds: keepSeconds.describe(
      'The same of cancelled messages, and of those that expired in a queue without dead-letter queue.',
    ),
  },
  { error: objectOrNull },
);
export const queueLimits = z.strictObject(
  {
    concurrency: whole(limits.queueConcurrencyMin, limits.queueConcurrencyMax)
      .nullable()
      .describe('Messages under a lease at a time, at most; `null`: any number.'),
    ratePerSecond: between(limits.queueRatePerSecondMin, limits.queueRatePerSecondMax)
      .nullable()
      .describe("Messages received a second, at most, with a second's worth at once (one message at least); `null`: any number."),
  },
  { error: objectOrNull },
);
export const settings = {
  visibilityTimeoutSeconds: visibilityTimeoutSeconds.describe(
    'How long a received message is hidden from others, unless the receive says otherwise.',
  ),
  delaySeconds: delaySeconds.describe('How long a published message is hidden, unless the publish says otherwise.'),
  retentionSeconds: retentionSeconds
    .nullable()
    .describe('How long a message may wait, from when it first becomes ready; fixed at publish. `null`: forever.'),
  deadLetter: deadLetter
    .nullable()
    .describe('Where messages go that fail too often; `null`: nowhere, they are tried until they expire.'),
  backoff: backoff
    .nullable()
    .describe('How long a message waits after a failure; `null`: not at all. It grows from failure to failure.'),
  priority: priority.nullable().describe('Levels of urgency; `null`: one.'),
  groups: groups
    .nullable()
    .describe(
      'How messages of a group are received; `null`: one lease at a time, one that fails blocks its group, and any rate.',
    ),
  limits: queueLimits.nullable().describe('How much of the queue may be under way over all receivers; `null`: any number.'),
  deduplication: deduplication
    .nullable()
    .describe('What becomes of a publish whose `dedupKey` is taken; `null`: none is accepted.'),
  prepared: prepared.nullable().describe('What becomes of prepared messages that are not decided; `null`: none is accepted.'),
  keep: keep.nullable().describe('How long messages stay readable by id when they have ended; `null`: not at all.'),
  idempotency: oneOf(['live', 'acked', 'ended']).describe(
    'How long an own id is taken. `live`: while its message lives; `acked`: and an hour after its ack; `ended`: and an hour after its cancel.',
  ),
  paused: flag.describe('While paused a queue takes messages and gives none. Leases go on.'),
};

/** The queue itself calls this URL: no other scheme, and no password, because anyone who may read settings sees it. */
function isCheckBackUrl(text: string): boolean {
  // The URL parser replaces half a surrogate pair, but a row would store the original text.
  if (!text.isWellFormed() || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

function objectOrNull(issue: { code: string }): string | undefined {
  return issue.code === 'invalid_type' ? 'must be an object or null' : undefined;
}
