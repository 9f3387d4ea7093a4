/** The schema of each operation's parameters, which are part of its path. */
import type * as z from 'zod';
import type { OperationName } from '../contract.ts';
import * as field from './fields.ts';
import { nothing, object } from './inputs.ts';

const queue = field.queueName.describe('The name of the queue.');
const ofQueue = object({ queue });
const ofMessage = object({ queue, id: field.anyMessageId.describe('The id of the message.') });
const ofSchedule = object({ name: field.scheduleName.describe('The name of the schedule.') });
const ofTarget = object({ queue, target: field.targetName.describe('The name of the target.') });
const topic = field.topicName.describe('The name of the topic.');
const ofTopic = object({ topic });
const ofPublication = object({ topic, id: field.anyMessageId.describe('The id that the publish answered.') });
const ofSubscription = object({ topic, subscription: field.subscriptionName.describe('The name of the subscription.') });
const ofTask = object({ queue, task: field.taskId.describe('The id of the redrive task.') });

export const params = {
  createQueue: object({ queue: field.plainQueueName.describe('The name of the queue.') }),
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
  releaseMessage: ofMessage,
  commitMessage: ofMessage,
  rollbackMessage: ofMessage,
  redrive: ofQueue,
  getRedrive: ofTask,
  cancelRedrive: ofTask,
  queueStats: ofQueue,
  rotateSigningSecret: ofQueue,
  putTarget: ofTarget,
  getTarget: ofTarget,
  deleteTarget: ofTarget,
  listTargets: ofQueue,
  putSchedule: ofSchedule,
  getSchedule: ofSchedule,
  updateSchedule: ofSchedule,
  deleteSchedule: ofSchedule,
  listSchedules: nothing,
  createTopic: ofTopic,
  getTopic: ofTopic,
  updateTopic: ofTopic,
  deleteTopic: ofTopic,
  listTopics: nothing,
  topicStats: ofTopic,
  subscribe: ofSubscription,
  getSubscription: ofSubscription,
  updateSubscription: ofSubscription,
  unsubscribe: ofSubscription,
  listSubscriptions: ofTopic,
  testSubscription: ofSubscription,
  publishToTopic: ofTopic,
  topicPublishItems: ofTopic,
  commitPublication: ofPublication,
  rollbackPublication: ofPublication,
  createKey: nothing,
  listKeys: nothing,
  getOwnKey: nothing,
  revokeKey: object({ id: field.keyId.describe('The id of the key.') }),
  listAudit: nothing,
  getStatus: nothing,
  health: nothing,
} satisfies Record<OperationName, z.ZodType>;
