/**
 * The schema of each operation: parameters (of the path) and input (JSON body, or query string). Unknown fields are refused by
 * name. Only fields of nested settings get defaults. Entries of a batch are `unknown` here, because each is validated
 * separately; `documentedInputs` describes them.
 */
import * as z from 'zod';
import type { OperationName } from '../contract.ts';
import {
  batchEntriesMax,
  callBytesMax,
  failedCharsMax,
  keyPatternsMax,
  pageEntriesDefault,
  receiptCharsMax,
  redriveIdsMax,
} from '../limits.ts';
import * as field from './fields.ts';
import { messageChanges, publishEntry } from './publish-entry.ts';
import { queueSettings } from './queue-settings.ts';
import { schedule, scheduleChanges } from './schedule.ts';

function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined),
  });
}

const nothing = object({});
const page = {
  limit: field.pageLimit.describe(`How many to list at most. Default ${pageEntriesDefault}.`).optional(),
  cursor: field.cursor.describe('The `cursor` of the page before. Default: the first page.').optional(),
};
const leaseOf = field.visibilityTimeoutSeconds;

function batches<Message extends z.ZodType, Receipt extends z.ZodType>(message: Message, receipt: Receipt) {
  const messages = field
    .list(message, 1, batchEntriesMax)
    .describe(`1 to ${batchEntriesMax} messages, of ${callBytesMax} bytes together. Each has its own result.`);
  const receipts = field
    .list(receipt, 1, batchEntriesMax)
    .describe(`1 to ${batchEntriesMax} receipts, as the messages were received with. Each has its own result.`);
  return {
    publish: object({ messages }),
    publishItems: object({ messages }),
    ack: object({ receipts, result: field.result.optional() }),
    ackItems: object({ receipts }),
    release: object({
      receipts,
      delaySeconds: field.delaySeconds
        .describe('How long the messages stay hidden. Default: 0, or with `failed` the backoff of the queue.')
        .optional(),
      failed: field.failed
        .describe(
          `Why the message failed: it counts as a failure. What is longer than ${failedCharsMax} characters is cut. Default: no failure.`,
        )
        .optional(),
      deadLetter: field.flag
        .describe('Dead-letters the messages now, with the reason `rejected`. Not with `delaySeconds`. Default false.')
        .optional(),
    }).refine(({ delaySeconds, deadLetter }) => delaySeconds === undefined || !deadLetter, {
      path: ['deadLetter'],
      error: 'must come without delaySeconds',
    }),
    extend: object({
      receipts,
      visibilityTimeoutSeconds: leaseOf
        .describe('How long the lease lasts, from now. Default: the `visibilityTimeoutSeconds` of the queue.')
        .optional(),
      progress: field.progress.describe('How far the work is, from 0 to 1. Default: as it was.').optional(),
    }),
  };
}

export const inputs = {
  createQueue: object(queueSettings),
  getQueue: nothing,
  updateQueue: object(queueSettings),
  deleteQueue: nothing,
  listQueues: object(page),
  receive: object({
    max: field.batchMax.describe('How many messages to receive at most. Default 1.').optional(),
    visibilityTimeoutSeconds: leaseOf
      .describe('How long the messages are leased. Default: the `visibilityTimeoutSeconds` of the queue.')
      .optional(),
    waitSeconds: field.waitSeconds.describe('How long to wait for a first message. Default 0.').optional(),
  }),
  ...batches(z.unknown(), z.unknown()),
  purge: nothing,
  peek: object({ ...page, state: field.messageState.describe('Only messages of this state. Default: all.').optional() }),
  getMessage: object({
    waitSeconds: field.waitSeconds.describe('How long to wait for the end of the message. Default 0.').optional(),
  }),
  updateMessage: messageChanges,
  cancelMessage: object({
    force: field.flag.describe('Whether to cancel a message that is leased. Default false.').optional(),
  }),
  commitMessage: nothing,
  rollbackMessage: nothing,
  redrive: object({
    ids: field
      .list(field.anyMessageId, 1, redriveIdsMax)
      .meta({ description: 'Only the messages of these ids. Default: all.', nullMeansAbsent: true })
      .optional(),
    reason: field.deathReason.describe('Only messages that died of this reason. Default: of any.').optional(),
    from: field.instant.describe('Only messages that came here at or after this instant. Default: no bound.').optional(),
    until: field.instant.describe('Only messages that came here before this instant. Default: no bound.').optional(),
    toQueue: field.queueName.describe('The queue to move them to. Default: each goes back to the queue it died in.').optional(),
    ratePerSecond: field.ratePerSecond
      .describe('How many messages to move a second at most. Default: as many as it can.')
      .optional(),
  }),
  getRedrive: nothing,
  cancelRedrive: nothing,
  rotateSigningSecret: nothing,
  putSchedule: schedule,
  getSchedule: nothing,
  updateSchedule: scheduleChanges,
  deleteSchedule: nothing,
  listSchedules: object(page),
  createKey: object({
    name: field.keyName.describe('A name for people.'),
    queues: field
      .list(field.queuePattern, 1, keyPatternsMax)
      .describe('The queues that the key covers, by name; `*` stands for any characters.'),
    scopes: field
      .list(field.scope, 1, field.scope.options.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, { error: 'must not name a scope twice' })
      .describe('What the key may do.'),
    expiresAt: field.instant
      .optional()
      .describe('From then on the key opens nothing; in the future. Default: it lives until it is revoked.'),
  }),
  listKeys: object(page),
  revokeKey: nothing,
  health: nothing,
} satisfies Record<OperationName, z.ZodType>;

/** `inputs` with the schemas of batch entries, for the OpenAPI document. */
export const documentedInputs = {
  ...inputs,
  ...batches(publishEntry, z.string().max(receiptCharsMax)),
} satisfies Record<OperationName, z.ZodType>;

const queue = field.queueName.describe('The name of the queue.');
const ofQueue = object({ queue });
const ofMessage = object({ queue, id: field.anyMessageId.describe('The id of the message.') });
const ofSchedule = object({ name: field.scheduleName.describe('The name of the schedule.') });
const ofTask = object({ queue, task: field.taskId.describe('The id of the redrive task.') });

export const params = {
  createQueue: ofQueue,
  getQueue: ofQueue,
  updateQueue: ofQueue,
  deleteQueue: ofQueue,
  listQueues: nothing,
  publish: ofQueue,
  receive: ofQueue,
  ack: ofQueue,
  release: ofQueue,
  extend: ofQueue,
  publishItems: ofQueue,
  ackItems: ofQueue,
  purge: ofQueue,
  peek: ofQueue,
  getMessage: ofMessage,
  updateMessage: ofMessage,
  cancelMessage: ofMessage,
  commitMessage: ofMessage,
  rollbackMessage: ofMessage,
  redrive: ofQueue,
  getRedrive: ofTask,
  cancelRedrive: ofTask,
  rotateSigningSecret: ofQueue,
  putSchedule: ofSchedule,
  getSchedule: ofSchedule,
  updateSchedule: ofSchedule,
  deleteSchedule: ofSchedule,
  listSchedules: nothing,
  createKey: nothing,
  listKeys: nothing,
  revokeKey: object({ id: field.keyId.describe('The id of the key.') }),
  health: nothing,
} satisfies Record<OperationName, z.ZodType>;
