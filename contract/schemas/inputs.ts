/**
 * The schema of each operation's input (JSON body, or query string). Unknown fields are refused by name. Only fields of nested settings get defaults. Entries of a batch are `unknown` here, because each is validated
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
  resultBytesMax,
} from '../limits.ts';
import * as field from './fields.ts';
import { messageFilter, timesInOrder } from './message-filter.ts';
import { bodyFault, fault, messageChanges, publishEntry } from './publish-entry.ts';
import { queueSettings } from './queue-settings.ts';
import { schedule, scheduleChanges } from './schedule.ts';
import { target } from './target.ts';
import { subscription, subscriptionChanges, testedMessage, topicChanges, topicEntry, topicSettings } from './topic.ts';

export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? 'must be a JSON object' : undefined),
  });
}

export const nothing = object({});
const page = {
  limit: field.pageLimit.describe(`The maximum number of entries on the page. Default ${pageEntriesDefault}.`).optional(),
  cursor: field.cursor.describe('The `cursor` of the previous page. Default: the first page.').optional(),
};
const leaseOf = field.visibilityTimeoutSeconds;
const result = z
  .unknown()
  .superRefine((value, context) => fault(context, value === undefined ? undefined : bodyFault(value, resultBytesMax)))
  .meta({
    description: `The result, kept with each message if the queue keeps acked messages: any JSON value of at most ${resultBytesMax} bytes as UTF-8 text. If the queue keeps no messages, null means none. Default: none.`,
  });

function batches<Message extends z.ZodType, TopicMessage extends z.ZodType, Receipt extends z.ZodType>(
  message: Message,
  topicMessage: TopicMessage,
  receipt: Receipt,
) {
  const messages = field
    .list(message, 1, batchEntriesMax)
    .describe(`1 to ${batchEntriesMax} messages, together at most ${callBytesMax} bytes. Each has its own result.`);
  const topicMessages = field
    .list(topicMessage, 1, batchEntriesMax)
    .describe(`1 to ${batchEntriesMax} messages, together at most ${callBytesMax} bytes. Each has its own result.`);
  const receipts = field
    .list(receipt, 1, batchEntriesMax)
    .describe(`1 to ${batchEntriesMax} receipts of received messages. Each has its own result.`);
  return {
    publish: object({ messages }),
    publishItems: object({ messages }),
    publishToTopic: object({ messages: topicMessages }),
    topicPublishItems: object({ messages: topicMessages }),
    ack: object({ receipts, result: result.optional() }),
    ackItems: object({ receipts }),
    release: object({
      receipts,
      delaySeconds: field.delaySeconds
        .describe("How long the messages stay hidden, in seconds. Default: 0, or the queue's backoff with `failed`.")
        .optional(),
      failed: field.failed
        .describe(
          `Why the message could not be handled. Counts as a failure. A text longer than ${failedCharsMax} characters is cut. Default: no failure.`,
        )
        .optional(),
      deadLetter: field.flag
        .describe('Dead-letters the messages now, with the reason `rejected`. Not with `delaySeconds`. Default false.')
        .optional(),
    }).refine(({ delaySeconds, deadLetter }) => delaySeconds === undefined || !deadLetter, {
      path: ['deadLetter'],
      error: 'must be given without delaySeconds',
    }),
    extend: object({
      receipts,
      visibilityTimeoutSeconds: leaseOf
        .describe("How long the lease lasts from now, in seconds. Default: the queue's `visibilityTimeoutSeconds`.")
        .optional(),
      progress: field.progress.describe('Progress of the work, from 0 to 1. Default: unchanged.').optional(),
    }),
  };
}

const stats = object({
  from: field.instant.describe('The first instant. Default: a day before `until`.').optional(),
  until: field.instant.describe('The last instant. Default: now.').optional(),
  stepSeconds: field.statsStep.describe('The length of each point, in seconds: a multiple of 600. Default 600.').optional(),
}).refine(...timesInOrder);

export const inputs = {
  createQueue: object(queueSettings),
  getQueue: nothing,
  updateQueue: object(queueSettings),
  deleteQueue: nothing,
  listQueues: object({
    ...page,
    prefix: field.queueNamePrefix.describe('Only queues whose names begin with these characters. Default: all.').optional(),
    counts: field.flag.describe('Whether to count the messages of each queue. Default false.').optional(),
    lastHour: field.flag
      .describe('Whether to add what happened in each queue in the last hour, in points of ten minutes. Default false.')
      .optional(),
  }),
  receive: object({
    max: field.batchMax.describe('The maximum number of messages to receive. Default 1.').optional(),
    visibilityTimeoutSeconds: leaseOf
      .describe("How long the messages are leased, in seconds. Default: the queue's `visibilityTimeoutSeconds`.")
      .optional(),
    waitSeconds: field.waitSeconds.describe('How long to wait for a first message, in seconds. Default 0.').optional(),
    attemptId: field.attemptId
      .describe(
        'Names this receive, so that it can be repeated if its answer is lost. A repeat within five minutes returns the messages that are still leased by it, with the same receipts, and extends their leases. Default: none.',
      )
      .optional(),
  }),
  ...batches(z.unknown(), z.unknown(), z.unknown()),
  purge: nothing,
  peek: object({
    ...page,
    state: field.messageState.describe('Only messages in this state. Default: all.').optional(),
    ...messageFilter,
  }).refine(...timesInOrder),
  getMessage: object({
    waitSeconds: field.waitSeconds.describe('How long to wait until the message ends, in seconds. Default 0.').optional(),
  }),
  updateMessage: messageChanges,
  cancelMessage: object({
    force: field.flag.describe('Whether to cancel the message even if it is leased. Default false.').optional(),
  }),
  releaseMessage: object({
    delaySeconds: field.delaySeconds.describe('How long the message stays hidden, in seconds. Default 0.').optional(),
    receives: field.receives
      .describe('Only the lease of this receive, as `receives` of the message counts it. Default: any lease.')
      .optional(),
  }),
  commitMessage: nothing,
  rollbackMessage: nothing,
  redrive: object({
    ids: field
      .list(field.anyMessageId, 1, redriveIdsMax)
      .meta({ description: 'Only messages with these ids. Default: all.', nullMeansAbsent: true })
      .optional(),
    ...messageFilter,
    attribute: messageFilter.attribute.unwrap().meta({ nullMeansAbsent: true }).optional(),
    toQueue: field.queueName
      .describe('The queue to move them to. Default: each returns to the queue in which it died.')
      .optional(),
    ratePerSecond: field.ratePerSecond
      .describe('The maximum number of messages to move per second. Default: as many as possible.')
      .optional(),
  }).refine(...timesInOrder),
  getRedrive: nothing,
  cancelRedrive: nothing,
  queueStats: stats,
  rotateSigningSecret: nothing,
  putTarget: target,
  getTarget: nothing,
  deleteTarget: nothing,
  listTargets: nothing,
  putSchedule: schedule,
  getSchedule: nothing,
  updateSchedule: scheduleChanges,
  deleteSchedule: nothing,
  listSchedules: object(page),
  createTopic: topicSettings,
  getTopic: nothing,
  updateTopic: topicChanges,
  deleteTopic: object({
    force: field.flag
      .describe('Whether to delete the topic together with its subscriptions and their queues. Default false.')
      .optional(),
  }),
  listTopics: object({
    ...page,
    lastHour: field.flag
      .describe('Whether to add what was published to each topic in the last hour, in points of ten minutes. Default false.')
      .optional(),
  }),
  topicStats: stats,
  subscribe: subscription,
  getSubscription: nothing,
  updateSubscription: subscriptionChanges,
  unsubscribe: nothing,
  listSubscriptions: object(page),
  testSubscription: testedMessage,
  commitPublication: nothing,
  rollbackPublication: nothing,
  createKey: object({
    name: field.keyName.describe('A name for people.'),
    queues: field
      .list(field.queuePattern, 0, keyPatternsMax)
      .describe('Patterns of the queue names that the key covers; `*` stands for any characters.'),
    topics: field
      .list(field.topicPattern, 0, keyPatternsMax)
      .meta({
        description:
          'Patterns of the topic names that the key covers; `*` stands for any characters. They also cover the queues that subscriptions of these topics own. Default: all topics if the key covers all queues, otherwise none.',
        nullMeansAbsent: true,
      })
      .optional(),
    scopes: field
      .list(field.scope, 1, field.scope.options.length)
      .refine((scopes) => new Set(scopes).size === scopes.length, { error: 'must not name a scope twice' })
      .describe('What the key may do. `receive` includes `read`.'),
    expiresAt: field.instant
      .optional()
      .describe('When the key stops working; must be in the future. Default: it works until it is revoked.'),
    accessKey: z
      .boolean()
      .optional()
      .describe('Whether to issue an access key, too, by which AWS clients sign calls of SQS. Default: false.'),
  }).refine(({ queues, topics = [] }) => queues.length + topics.length > 0, {
    path: ['queues'],
    error: 'must have a pattern if the key has no topics',
  }),
  listKeys: object(page),
  getOwnKey: nothing,
  revokeKey: nothing,
  listAudit: object({
    ...page,
    queue: field.queueName.describe('Only changes of this queue and of its messages. Default: all.').optional(),
    key: field.keyId.describe('Only calls with the key of this id. Default: all.').optional(),
    from: field.instant.describe('Only calls at or after this instant. Default: no bound.').optional(),
    until: field.instant.describe('Only calls before this instant. Default: no bound.').optional(),
  }),
  getStatus: nothing,
  health: nothing,
} satisfies Record<OperationName, z.ZodType>;

/** `inputs` with the schemas of batch entries, for the OpenAPI document. */
export const documentedInputs = {
  ...inputs,
  ...batches(publishEntry, topicEntry, z.string().max(receiptCharsMax)),
} satisfies Record<OperationName, z.ZodType>;
