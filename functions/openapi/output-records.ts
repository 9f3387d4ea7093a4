/** Schemas of the records that the API returns: queues, messages, redrive tasks, schedules and keys. */
import * as z from 'zod';
import type { Json } from '../../contract/contract.ts';
import { type ErrorCode, errors } from '../../contract/errors.ts';
import { nextTicksMax } from '../../contract/limits.ts';
import * as field from '../../contract/schemas/fields.ts';
import { attributeValue } from '../../contract/schemas/publish-entry.ts';
import { missedTicks } from '../../contract/schemas/schedule.ts';
import { settings } from '../../contract/schemas/setting-fields.ts';
import { targetFormat } from '../../contract/schemas/target.ts';

export const instant = (description: string) => z.iso.datetime().describe(`${description} RFC 3339, in UTC, with milliseconds.`);
const count = (description: string) => z.number().int().min(0).describe(description);
const json = (description: string) => z.unknown().describe(description) as z.ZodType<Json>;
export const text = (description: string) => z.string().describe(description);

const attributes = z.record(z.string(), attributeValue).describe('The attributes that it was published with: texts and numbers.');
const content = {
  body: json('The body, if it is a JSON value. A message has either this or `bodyBase64`.').exactOptional(),
  bodyBase64: z.string().meta({ description: 'The body, if it is bytes, in base64.', contentEncoding: 'base64' }).exactOptional(),
  attributes,
};

/** A string in the document, not an enumeration: generated clients would reject codes that a later version adds. */
export const code = z
  .enum(Object.keys(errors) as [ErrorCode, ...ErrorCode[]])
  .meta({ description: 'Why it was refused: one of the error codes that the reference lists.', isOpen: true });

export const queue = z.object({
  name: field.queueName.describe('The name of the queue.'),
  ...settings,
  createdAt: instant('When it was created.'),
  updatedAt: instant('When its settings last changed.'),
});

export const counts = z
  .object({
    ready: count('Messages that can be received.'),
    delayed: count('Messages that are hidden until their delay or backoff is over.'),
    leased: count('Messages under a lease.'),
    dead: count('Messages that were dead-lettered into this queue and wait in it.'),
    prepared: count('Messages that are neither committed nor rolled back.'),
    oldestAgeSeconds: z
      .number()
      .min(0)
      .nullable()
      .describe('How long the oldest ready or dead message has waited, in seconds; `null` if none waits.'),
    atLeast: z.boolean().describe('Whether the queue holds more messages than one call can count.'),
  })
  .describe('How many messages the queue holds, by state.');

export const deathRecord = z
  .object({
    queue: field.queueName.describe('The queue in which it died.'),
    reason: field.deathReason.describe('Why it died.'),
    group: field.group
      .describe('The group in which it died. A redrive puts the message at the end of this group. Absent: none.')
      .exactOptional(),
    text: text('The text of the last failure before it died. Absent: no failure had a text.').exactOptional(),
    at: instant('When it died.'),
    receives: count('How often it was received there.'),
    failures: count('How many of those receives failed.'),
  })
  .describe('What happened to the message before it was dead-lettered.');

const receives = count('How often it was received in this queue.');
const failures = count('How many of those receives ended in a release with `failed` or in an expired lease.');
const firstReceivedAt = instant(
  'When it was first received in this queue. Absent before that, and if an earlier version of the queue gave that receive.',
).exactOptional();
const priority = field.priorityLevel.describe('Its priority. Absent for 0.').exactOptional();
const group = field.group
  .describe('The group that it belongs to; of a dead letter, the one in which it died. Absent: none.')
  .exactOptional();
export const id = field.anyMessageId.describe('Its id.');

export const receivedMessage = z.object({
  id,
  ...content,
  receipt: text('Proves the lease. Ack, release and extend require it.'),
  receives: count('How often it was received in this queue, including this time.'),
  failures,
  priority,
  group,
  publishedAt: instant('When it was published.'),
  firstReceivedAt,
  leasedUntil: instant('When its lease ends.'),
  deadLetter: deathRecord.exactOptional(),
});

export const failureRecord = z.object({ at: instant('When it failed.'), message: text('What went wrong.') });

export const leaseRecord = z.object({
  receivedAt: instant('When it was received.'),
  endedAt: instant(
    'When it was acked, released or cancelled, or when its lease expired. Absent: the lease runs.',
  ).exactOptional(),
  outcome: z
    .enum(['running', 'acked', 'failed', 'released', 'expired', 'cancelled'])
    .describe('How the lease ended. `failed`: by a release with `failed`, or a rejection.'),
  failure: text('The text of the failure, if it is among the last five.').exactOptional(),
});

export const message = z.object({
  id,
  queue: field.queueName.describe('The queue that it is in now.'),
  state: field.anyState.describe('The state of the message.'),
  ...content,
  unreadable: text('The stored data, in place of a body, if it cannot be read as a message; bytes as base64.').exactOptional(),
  receives,
  failures,
  priority,
  group,
  publishedAt: instant('When it was published.'),
  firstReceivedAt,
  visibleAt: instant(
    'When it can next be received; while it is leased, when it can be received if it is not acked. After its end: when it could have been received.',
  ),
  expiresAt: instant('When its retention ends; `null`: never.').nullable(),
  lastFailure: text('The text of its last release with `failed`. Absent: none.').exactOptional(),
  errors: z
    .array(failureRecord)
    .describe('The last five failures, oldest first. Only in queues that keep messages.')
    .exactOptional(),
  leases: z
    .array(leaseRecord)
    .describe(
      'Its last ten leases, oldest first; a dead letter has those from the queue where it died, too. Only in queues that keep messages.',
    )
    .exactOptional(),
  progress: field.progress.describe('From 0 to 1, as its receiver last reported it.').exactOptional(),
  endedAt: instant('When it was acked or cancelled, or when it expired. Absent: it has not ended.').exactOptional(),
  keptUntil: instant('Until when the ended message can be read.').exactOptional(),
  result: json('The result that was given with its ack.').exactOptional(),
  deadLetter: deathRecord.exactOptional(),
  wakeUrl: z
    .string()
    .describe(
      'Only in a read by id. The WebSocket on which the caller can wait for the end of the message: a URL, or a path below the base URL. Only after a wait in which it did not end, and only where wake-ups are offered.',
    )
    .exactOptional(),
});

export const redriveTask = z.object({
  id: field.taskId.describe('The id of the task.'),
  queue: field.queueName.describe('The queue whose messages it moves.'),
  toQueue: field.queueName
    .nullable()
    .describe('The queue that it moves them to; `null`: each returns to the queue in which it died.'),
  state: z.enum(['running', 'done', 'cancelled', 'failed']).describe('The state of the task.'),
  moved: count('Messages that were moved.'),
  skipped: count('Messages that were examined but not selected, or that have no queue to return to.'),
  startedAt: instant('When it was started.'),
  updatedAt: instant('When it last made progress.'),
  endedAt: instant('When it ended; `null` while it runs.').nullable(),
  error: text('Why it failed; `null` if it did not.').nullable(),
});

export const scheduledMessage = z.object({ ...content, priority, group }).describe('What each tick publishes.');

export const schedule = z.object({
  name: field.scheduleName.describe('The name of the schedule.'),
  queue: field.queueName.describe('The queue that its messages go to.'),
  cron: text('Its cron expression; `null` if it has `everySeconds`.').nullable(),
  timeZone: text('The time zone of `cron`; `null` if it has `everySeconds`.').nullable(),
  everySeconds: count('The seconds between two ticks; `null` if it has `cron`.').nullable(),
  startAt: instant('No tick before this instant; `null`: no bound.').nullable(),
  endAt: instant('No tick at or after this instant; `null`: no bound.').nullable(),
  missed: missedTicks.describe('What happens to ticks that could not be published in time.'),
  paused: z.boolean().describe('Whether it is paused.'),
  message: scheduledMessage,
  nextAt: instant('The next tick; `null` while paused and after the last tick.').nullable(),
  lastAt: instant('The last tick that was due and published; `null`: none.').nullable(),
  lastError: failureRecord
    .nullable()
    .describe('Why its ticks cannot be published; publishing is retried every minute. `null` if they can be published.'),
  createdAt: instant('When it was created.'),
  updatedAt: instant('When it last changed.'),
});

export const scheduleWithTicks = schedule.extend({
  nextTicks: z
    .array(instant('A tick.'))
    .max(nextTicksMax)
    .describe(`Its next ticks after now, at most ${nextTicksMax}. Fewer if the schedule ends before; none while it is paused.`),
});

export const target = z.object({
  queue: field.queueName.describe('The queue whose messages it gets.'),
  name: field.targetName.describe('The name of the target.'),
  functionName: text('The function that it invokes; `null` for a URL.').nullable(),
  url: text('The URL that it posts to; `null` for a function.').nullable(),
  batchSize: count('Messages of one invocation at most.'),
  maxBatchingWindowSeconds: count('How long it waits for a batch to fill, in seconds.'),
  maxConcurrency: count('Invocations or requests at a time, over all processes.'),
  reportBatchItemFailures: z.boolean().describe('Whether the function names the messages that failed.'),
  format: targetFormat.describe('The form of its requests; `null` for a function.').nullable(),
  timeoutSeconds: count('How long its URL may take to answer, in seconds; `null` for a function.').nullable(),
  state: z
    .enum(['active', 'paused', 'broken', 'ended'])
    .describe(
      '`broken`: it failed so often in a row that it gets only one message now and then, until one succeeds. `ended`: its URL answered 410. Put it again to make it active.',
    ),
  failures: count('How often it failed in a row, since the last success.'),
  nextTryAt: instant('While it is broken: when it gets a message next. Otherwise `null`.').nullable(),
  lastError: failureRecord.nullable().describe('Its last failure since it last became active; `null`: none.'),
  createdAt: instant('When it was created.'),
  updatedAt: instant('When it last changed.'),
});

export const apiKey = z.object({
  id: field.keyId.describe('The id of the key, part of its text.'),
  name: field.keyName.describe('Its name for people.'),
  queues: z.array(field.queuePattern).describe('Patterns of the queue names that it covers; `*` stands for any characters.'),
  topics: z.array(field.topicPattern).describe('Patterns of the topic names that it covers; `*` stands for any characters.'),
  scopes: z.array(field.scope).describe('What it may do.'),
  accessKeyId: text(
    'The id by which AWS clients sign for the key. Absent if it was created without `accessKey`.',
  ).exactOptional(),
  createdAt: instant('When it was created.'),
  expiresAt: instant('The key stops working at this instant; `null`: it works until it is revoked.').nullable(),
  lastUsedAt: instant('When it was last used, accurate to the hour; `null`: never.').nullable(),
});

export const problem = z.object({
  type: text('`urn:dumbwaiter:` and the code.'),
  title: text('What the code means.'),
  status: z.number().int().describe('The HTTP status.'),
  detail: text('What is wrong with this call.'),
  code,
  requestId: text("Identifies the call in the server's logs."),
});
