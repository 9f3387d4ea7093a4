/** What each operation answers, as schemas: for the OpenAPI document, and for tests that compare answers with it. */
import * as z from 'zod';
import { type Json, type OperationName, type OutputOf, routes, type TransactionItem } from '../sdk/contract.ts';
import { type ErrorCode, errors } from '../sdk/errors.ts';
import * as field from '../sdk/schemas/fields.ts';
import { missedTicks } from '../sdk/schemas/schedule.ts';

const instant = z.iso.datetime().meta({ description: 'RFC 3339, in UTC, with milliseconds.' });
const count = z.number().int().min(0);
const json = z.unknown().meta({ description: 'Any JSON value.' }) as z.ZodType<Json>;
const bytes = z.string().meta({ contentEncoding: 'base64' });
const attributes = z.record(z.string(), z.union([z.string(), z.number()]));
const cursor = field.cursor.meta({ description: 'Send it as `cursor` for the page that follows. Absent on the last one.' });
const nothing = z.object({});

export const refused = z.object({
  ok: z.literal(false),
  code: z.enum(Object.keys(errors) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
});

export const queue = z.object({
  name: field.queueName,
  visibilityTimeoutSeconds: field.visibilityTimeoutSeconds,
  delaySeconds: field.delaySeconds,
  retentionSeconds: field.retentionSeconds,
  deadLetter: field.deadLetter,
  backoff: field.backoff,
  priority: field.priority,
  groups: field.groups,
  limits: field.queueLimits,
  deduplication: field.deduplication,
  prepared: field.prepared,
  keep: field.keep,
  paused: field.flag,
  createdAt: instant,
  updatedAt: instant,
});

export const counts = z.object({
  ready: count,
  delayed: count,
  leased: count,
  dead: count,
  prepared: count,
  oldestAgeSeconds: z.number().min(0).nullable(),
  atLeast: z.boolean().meta({ description: 'Whether the queue holds more than one call may count.' }),
});

export const deathRecord = z.object({
  queue: field.queueName,
  reason: field.deathReason,
  text: z.string().exactOptional().meta({ description: 'The text of the last failure before it died.' }),
  at: instant,
  receives: count,
  failures: count,
});

export const receivedMessage = z.object({
  id: field.anyMessageId,
  body: json.exactOptional(),
  bodyBase64: bytes.exactOptional(),
  attributes,
  receipt: z.string().meta({ description: 'Proves the lease: ack, release and extend ask for it.' }),
  receives: count,
  failures: count,
  priority: field.priorityLevel.exactOptional(),
  group: field.group.exactOptional(),
  publishedAt: instant,
  leasedUntil: instant,
  deadLetter: deathRecord.exactOptional(),
});

export const message = z.object({
  id: field.anyMessageId,
  queue: field.queueName,
  state: field.anyState,
  body: json.exactOptional(),
  bodyBase64: bytes.exactOptional(),
  attributes,
  receives: count,
  failures: count,
  priority: field.priorityLevel.exactOptional(),
  group: field.group.exactOptional(),
  publishedAt: instant,
  visibleAt: instant,
  expiresAt: instant.nullable(),
  lastFailure: z.string().exactOptional(),
  errors: z.array(z.object({ at: instant, message: z.string() })).exactOptional(),
  progress: field.progress.exactOptional(),
  endedAt: instant.exactOptional(),
  keptUntil: instant.exactOptional(),
  result: json.exactOptional(),
  deadLetter: deathRecord.exactOptional(),
});

export const redriveTask = z.object({
  id: field.taskId,
  queue: field.queueName,
  toQueue: field.queueName.nullable(),
  state: z.enum(['running', 'done', 'cancelled', 'failed']),
  moved: count,
  skipped: count,
  startedAt: instant,
  updatedAt: instant,
  endedAt: instant.nullable(),
  error: z.string().nullable(),
});

export const schedule = z.object({
  name: field.scheduleName,
  queue: field.queueName,
  cron: z.string().nullable(),
  timeZone: z.string().nullable(),
  everySeconds: count.nullable(),
  startAt: instant.nullable(),
  endAt: instant.nullable(),
  missed: missedTicks,
  paused: z.boolean(),
  message: z.object({
    body: json.exactOptional(),
    bodyBase64: bytes.exactOptional(),
    attributes,
    priority: field.priorityLevel.exactOptional(),
    group: field.group.exactOptional(),
  }),
  nextAt: instant.nullable().meta({ description: '`null` while paused, and after the last.' }),
  lastAt: instant.nullable(),
  lastError: z.object({ at: instant, message: z.string() }).nullable(),
  createdAt: instant,
  updatedAt: instant,
});

export const apiKey = z.object({
  id: field.keyId,
  name: field.keyName,
  queues: z.array(field.queuePattern),
  scopes: z.array(field.scope),
  createdAt: instant,
});

const done = z.object({ ok: z.literal(true) });

const transactionItem = z.record(z.string(), z.unknown()).meta({
  description: "An entry for TransactWriteItems, in DynamoDB's JSON; bytes as base64.",
}) as unknown as z.ZodType<TransactionItem>;

export const outputs = {
  createQueue: queue,
  getQueue: queue.extend({ counts }),
  updateQueue: queue,
  deleteQueue: nothing,
  listQueues: z.object({ queues: z.array(queue), cursor: cursor.exactOptional() }),
  publish: z.object({
    results: z.array(z.union([done.extend({ id: field.anyMessageId, duplicate: z.literal(true).exactOptional() }), refused])),
  }),
  receive: z.object({ messages: z.array(receivedMessage) }),
  ack: z.object({ results: z.array(z.union([done, refused])) }),
  release: z.object({
    results: z.array(z.union([done.extend({ visibleAt: instant }), done.extend({ deadLettered: z.literal(true) }), refused])),
  }),
  extend: z.object({ results: z.array(z.union([done.extend({ leasedUntil: instant }), refused])) }),
  publishItems: z.object({ items: z.array(transactionItem), ids: z.array(field.anyMessageId) }),
  ackItems: z.object({ items: z.array(transactionItem) }),
  purge: z.object({ purgedBefore: instant }),
  peek: z.object({ messages: z.array(message), cursor: cursor.exactOptional() }),
  getMessage: message,
  updateMessage: z.object({ id: field.anyMessageId, visibleAt: instant }),
  cancelMessage: nothing,
  commitMessage: nothing,
  rollbackMessage: nothing,
  redrive: redriveTask,
  getRedrive: redriveTask,
  cancelRedrive: redriveTask,
  putSchedule: schedule,
  getSchedule: schedule,
  updateSchedule: schedule,
  deleteSchedule: nothing,
  listSchedules: z.object({ schedules: z.array(schedule), cursor: cursor.exactOptional() }),
  createKey: apiKey.extend({ key: z.string().meta({ description: 'Shown this once.' }) }),
  listKeys: z.object({ keys: z.array(apiKey), cursor: cursor.exactOptional() }),
  revokeKey: nothing,
  health: z.object({ status: z.literal('ok') }),
} satisfies { [Name in OperationName]: z.ZodType<OutputOf<Name>> };

export const problem = z.object({
  type: z.string().meta({ description: '`urn:dumbwaiter:` and the code.' }),
  title: z.string().meta({ description: 'What the code means.' }),
  status: z.number().int(),
  detail: z.string().meta({ description: 'What is wrong with this call.' }),
  code: refused.shape.code,
  requestId: z.string().meta({ description: "Finds the call in the server's logs." }),
});

export const operationNames = Object.keys(routes) as OperationName[];
