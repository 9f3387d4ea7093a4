/** Schemas of each operation's output: for the OpenAPI document, and for tests that check real outputs against it. */
import * as z from 'zod';
import type {
  AckResult,
  ExtendResult,
  OperationName,
  OutputOf,
  PublishResult,
  ReleaseResult,
  TopicPublishResult,
  TransactionItem,
} from '../../contract/contract.ts';
import { environmentColors } from '../../contract/environment.ts';
import { routes } from '../../contract/routes.ts';
import * as field from '../../contract/schemas/fields.ts';
import { auditEntry } from './audit.ts';
import {
  apiKey,
  code,
  counts,
  id,
  instant,
  message,
  queue,
  receivedMessage,
  redriveTask,
  schedule,
  scheduleWithTicks,
  target,
  text,
} from './output-records.ts';
import { statsPoint, topicStatsPoint } from './stats.ts';
import { serverStatus } from './status.ts';
import * as records from './topic-records.ts';

const cursor = field.cursor.describe('Send it as `cursor` to get the next page. Absent on the last page.').exactOptional();
const nothing = z.object({});

/** The result of one entry of a batch. It is one flat object, because generated clients handle unions of objects badly. */
function resultOf<Result>(fields: z.core.$ZodLooseShape, description: string) {
  return z
    .object({
      ok: z.boolean().describe('Whether this entry succeeded. If not, `code` and `message` say why.'),
      ...fields,
      code: code.exactOptional(),
      message: text('What was wrong with this entry, as text for people.').exactOptional(),
    })
    .describe(description) as unknown as z.ZodType<Result>;
}

export const publishResult = resultOf<PublishResult>(
  {
    id: field.anyMessageId.describe('The id of the message.').exactOptional(),
    duplicate: z.boolean().describe('True if the id or key was taken, and nothing was published.').exactOptional(),
  },
  'The result of publishing one message.',
);
export const topicPublishResult = resultOf<TopicPublishResult>(
  {
    id: field.anyMessageId
      .describe('The id of the publish. Its messages carry it as the attribute `publication`.')
      .exactOptional(),
    subscriptions: z.number().int().min(0).describe('How many subscriptions got the message.').exactOptional(),
    duplicate: z.boolean().describe('True if all of them had a message of that id or key.').exactOptional(),
  },
  'The result of publishing one message to a topic.',
);
export const ackResult = resultOf<AckResult>({}, 'The result of one ack.');
const released = {
  visibleAt: instant('When the message can be received again.').exactOptional(),
  deadLettered: z.boolean().describe('True if the message moved to the dead-letter queue.').exactOptional(),
};
export const releaseResult = resultOf<ReleaseResult>(released, 'The result of one release.');
export const extendResult = resultOf<ExtendResult>(
  { leasedUntil: instant('When the lease ends now.').exactOptional() },
  'The result of one extend.',
);
const resultsOf = <Result extends z.ZodType>(result: Result) =>
  z.object({ results: z.array(result).describe('One result for each entry of the call, in the order of the call.') });

const transactionItem = z.record(z.string(), z.unknown()).meta({
  description: "An entry for TransactWriteItems, in DynamoDB's JSON; bytes as base64.",
}) as unknown as z.ZodType<TransactionItem>;
const items = z.array(transactionItem).describe('Entries for your own TransactWriteItems.');

export const outputs = {
  createQueue: queue,
  getQueue: queue.extend({ counts }),
  updateQueue: queue,
  deleteQueue: nothing,
  listQueues: z.object({
    queues: z
      .array(queue.extend({ counts: counts.exactOptional(), lastHour: z.array(statsPoint).exactOptional() }))
      .describe('The queues of this page, by name.'),
    cursor,
  }),
  publish: resultsOf(publishResult),
  receive: z.object({
    messages: z.array(receivedMessage).describe('The received messages. The list is empty if there are none.'),
    waitIsCheap: z
      .boolean()
      .describe(
        'Whether a waiting receive (`waitSeconds`) costs almost nothing here. Absent on Lambda, where it keeps a function running: pause between receives instead.',
      )
      .exactOptional(),
    wakeUrl: z
      .string()
      .describe(
        'The WebSocket on which an idle consumer can wait to be woken: a URL, or a path below the base URL. Only in an answer without messages, and only where wake-ups are offered.',
      )
      .exactOptional(),
  }),
  ack: resultsOf(ackResult),
  release: resultsOf(releaseResult),
  extend: resultsOf(extendResult),
  publishItems: z.object({ items, ids: z.array(field.anyMessageId).describe('The ids that the messages will have.') }),
  ackItems: z.object({ items }),
  purge: z.object({ purgedBefore: instant('Messages published before this instant are deleted.') }),
  peek: z.object({
    messages: z.array(message).describe('The messages of this page.'),
    examined: z.number().int().min(0).describe('How many messages were looked at for this page, about.'),
    cursor,
  }),
  getMessage: message,
  updateMessage: z.object({ id, visibleAt: instant('When it can be received.') }),
  cancelMessage: nothing,
  releaseMessage: z.object(released) as unknown as z.ZodType<OutputOf<'releaseMessage'>>,
  commitMessage: nothing,
  rollbackMessage: nothing,
  redrive: redriveTask,
  getRedrive: redriveTask,
  cancelRedrive: redriveTask,
  queueStats: z.object({ points: z.array(statsPoint).describe('Oldest first. Steps in which nothing happened are left out.') }),
  rotateSigningSecret: z.object({ secret: text('The new secret: `whsec_` and base64 text. It is shown only once.') }),
  putTarget: target,
  getTarget: target,
  deleteTarget: nothing,
  listTargets: z.object({ targets: z.array(target).describe("The queue's targets, by name.") }),
  putSchedule: schedule,
  getSchedule: scheduleWithTicks,
  updateSchedule: schedule,
  deleteSchedule: nothing,
  listSchedules: z.object({ schedules: z.array(schedule).describe('The schedules of this page, by name.'), cursor }),
  createTopic: records.topic,
  getTopic: records.topic,
  updateTopic: records.topic,
  deleteTopic: nothing,
  listTopics: z.object({
    topics: z
      .array(records.topic.extend({ lastHour: z.array(topicStatsPoint).exactOptional() }))
      .describe('The topics of this page, by name.'),
    cursor,
  }),
  topicStats: z.object({
    points: z.array(topicStatsPoint).describe('Oldest first. Steps in which nothing was published are left out.'),
  }),
  subscribe: records.subscription,
  getSubscription: records.subscriptionWithCounts,
  updateSubscription: records.subscription,
  unsubscribe: nothing,
  listSubscriptions: z.object({
    subscriptions: z.array(records.subscription).describe('The subscriptions of this page, by name.'),
    cursor,
  }),
  testSubscription: records.matchResult,
  publishToTopic: resultsOf(topicPublishResult),
  topicPublishItems: z.object({ items, ids: z.array(field.anyMessageId).describe('The ids of the publishes.') }),
  commitPublication: nothing,
  rollbackPublication: nothing,
  createKey: apiKey.extend({
    key: text('The text of the key. It is shown only once.'),
    secretAccessKey: text('The secret of the access key. It is shown only once.').exactOptional(),
  }),
  getOwnKey: apiKey.pick({ scopes: true, queues: true, topics: true, expiresAt: true }).extend({
    id: text('The id of the key; `admin` for the first key of a deployment, `iam` for a caller that AWS authorized.'),
    version: text('The version of the server.'),
    environment: z
      .object({ name: text('Its name.'), color: z.enum(environmentColors).describe('The color in which the console shows it.') })
      .nullable()
      .describe('The name of the deployment; `null` if it has none.'),
  }),
  listKeys: z.object({ keys: z.array(apiKey).describe('The keys of this page.'), cursor }),
  revokeKey: nothing,
  listAudit: z.object({ entries: z.array(auditEntry).describe('The entries of this page, newest first.'), cursor }),
  getStatus: serverStatus,
  health: z.object({ status: z.enum(['ok']).describe('The server answers.') }),
} satisfies { [Name in OperationName]: z.ZodType<OutputOf<Name>> };

export const operationNames = Object.keys(routes) as OperationName[];
