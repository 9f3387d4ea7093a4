/**
 * What each operation takes: parameters (of the path) and input (JSON body, or query string). Unknown fields are refused by
 * name, nothing is
 * defaulted but fields of nested settings. Entries of a batch are left `unknown` here, as they are judged one by one;
 * `documentedInputs` says what they should be.
 */
import * as z from 'zod';
import type { OperationName } from '../contract.ts';
import { batchEntriesMax, keyPatternsMax, receiptCharsMax, redriveIdsMax } from '../limits.ts';
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
const page = { limit: field.pageLimit.optional(), cursor: field.cursor.optional() };
const settings = object(queueSettings);

function batches<Message extends z.ZodType, Receipt extends z.ZodType>(message: Message, receipt: Receipt) {
  const receipts = field.list(receipt, 1, batchEntriesMax);
  return {
    publish: object({ messages: field.list(message, 1, batchEntriesMax) }),
    publishItems: object({ messages: field.list(message, 1, batchEntriesMax) }),
    ack: object({ receipts, result: field.result.optional() }),
    ackItems: object({ receipts }),
    release: object({
      receipts,
      delaySeconds: field.delaySeconds.optional(),
      failed: field.failed.optional(),
      deadLetter: field.flag
        .meta({
          description: 'Dead-letters the messages now, with the reason `rejected`. Not with `delaySeconds`. Default false.',
        })
        .optional(),
    }).refine(({ delaySeconds, deadLetter }) => delaySeconds === undefined || !deadLetter, {
      path: ['deadLetter'],
      error: 'must come without delaySeconds',
    }),
    extend: object({
      receipts,
      visibilityTimeoutSeconds: field.visibilityTimeoutSeconds.optional(),
      progress: field.progress.optional(),
    }),
  };
}

export const inputs = {
  createQueue: settings,
  getQueue: nothing,
  updateQueue: settings,
  deleteQueue: nothing,
  listQueues: object(page),
  receive: object({
    max: field.batchMax.optional(),
    visibilityTimeoutSeconds: field.visibilityTimeoutSeconds.optional(),
    waitSeconds: field.waitSeconds.optional(),
  }),
  ...batches(z.unknown(), z.unknown()),
  purge: nothing,
  peek: object({ ...page, state: field.messageState.optional() }),
  getMessage: object({ waitSeconds: field.waitSeconds.optional() }),
  updateMessage: messageChanges,
  cancelMessage: object({ force: field.flag.optional() }),
  commitMessage: nothing,
  rollbackMessage: nothing,
  redrive: object({
    ids: field.list(field.anyMessageId, 1, redriveIdsMax).optional(),
    reason: field.deathReason.meta({ description: 'Only those that died of this reason.' }).optional(),
    from: field.instant.optional(),
    until: field.instant.optional(),
    toQueue: field.queueName.optional(),
    ratePerSecond: field.ratePerSecond.optional(),
  }),
  getRedrive: nothing,
  cancelRedrive: nothing,
  putSchedule: schedule,
  getSchedule: nothing,
  updateSchedule: scheduleChanges,
  deleteSchedule: nothing,
  listSchedules: object(page),
  createKey: object({
    name: field.keyName,
    queues: field.list(field.queuePattern, 1, keyPatternsMax),
    scopes: field
      .list(field.scope, 1, field.scope.options.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, { error: 'must not name a scope twice' }),
  }),
  listKeys: object(page),
  revokeKey: nothing,
  health: nothing,
} satisfies Record<OperationName, z.ZodType>;

/** `inputs` with the entries of batches as they should be: for the OpenAPI document. */
export const documentedInputs = {
  ...inputs,
  ...batches(publishEntry, z.string().max(receiptCharsMax)),
} satisfies Record<OperationName, z.ZodType>;

const ofQueue = object({ queue: field.queueName });
const ofMessage = object({ queue: field.queueName, id: field.anyMessageId });
const ofSchedule = object({ name: field.scheduleName });
const ofTask = object({ queue: field.queueName, task: field.taskId });

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
  putSchedule: ofSchedule,
  getSchedule: ofSchedule,
  updateSchedule: ofSchedule,
  deleteSchedule: ofSchedule,
  listSchedules: nothing,
  createKey: nothing,
  listKeys: nothing,
  revokeKey: object({ id: field.keyId }),
  health: nothing,
} satisfies Record<OperationName, z.ZodType>;
