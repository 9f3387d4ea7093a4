/** The SDK's root import. It has no dependencies and runs on Node 20 or later, in browsers and in workers. */

export type {
  AckResult,
  ApiKey,
  Attributes,
  AuditEntry,
  AuditedOperation,
  AuditInput,
  Backoff,
  Counts,
  CreatedKey,
  DeadLetter,
  DeathReason,
  DeathRecord,
  EndState,
  ExtendResult,
  FailureRecord,
  Filter,
  FilterCondition,
  FilterScope,
  GroupSettings,
  Idempotency,
  Json,
  Keep,
  LeaseRecord,
  ListedQueue,
  ListedTopic,
  MatchResult,
  MessageFilter,
  MessageState,
  MissedTicks,
  OwnKey,
  Page,
  PeekInput,
  Priority,
  PublishResult,
  Queue,
  QueueLimits,
  QueueSettings,
  QueueSettingsInput,
  QueueStatsPoint,
  QueuesPage,
  RedriveInput,
  RedriveTask,
  Refused,
  ReleaseResult,
  Scope,
  ServerStatus,
  SqsSettings,
  StatsInput,
  Subscription,
  SubscriptionChanges,
  SubscriptionInput,
  SubscriptionWithCounts,
  Target,
  TargetFormat,
  TargetInput,
  TargetState,
  Topic,
  TopicPublishResult,
  TopicSettingsInput,
  TopicStatsPoint,
  TopicsPage,
  TransactionWrite,
  Transport,
} from '../contract/contract.ts';
export { DumbwaiterError, type ErrorCode, errors } from '../contract/errors.ts';
export { type JsonText, jsonText } from '../contract/json-text.ts';
export type { CallOptions } from './calls/caller.ts';
export type { JsonMode } from './calls/json-mode.ts';
export type { ReleaseInput } from './calls/leases.ts';
export type { ListPage, Pages } from './calls/pages.ts';
export type { NewMessage, NewTopicMessage } from './calls/publisher.ts';
export type { Receipts } from './calls/receipts.ts';
export type { Extended, ReceivedMessage, Released, WaitingMessage } from './calls/received-message.ts';
export type { Timers } from './calls/timers.ts';
export type { TracedMessage, Tracing } from './calls/tracing.ts';
export {
  type DocumentItem,
  type ItemsOptions,
  type LowLevelItem,
  type PlainValue,
  refusalOfTransaction,
} from './calls/transactions.ts';
export type { Broadcast, BroadcastOptions } from './client/broadcast.ts';
export { Dumbwaiter, type DumbwaiterOptions, type DumbwaiterSettings } from './client/client.ts';
export type { KeysClient } from './client/keys.ts';
export type { QueueClient } from './client/queue.ts';
export type {
  Edit,
  Publishable,
  PublishableToTopic,
  Published,
  PublishedToTopic,
  PublishItems,
  QueueDescription,
  ReceiveInput,
  ReleaseByIdInput,
  Reschedule,
} from './client/queue-types.ts';
export type { Redrive, RedriveWaitOptions } from './client/redrive.ts';
export type { CallInput } from './client/requests.ts';
export type {
  NewSchedule,
  ScheduleChanges,
  ScheduleDescription,
  ScheduleDescriptionWithTicks,
  SchedulesClient,
  TickMessage,
} from './client/schedules.ts';
export type { SubscriptionClient, TestedMessage } from './client/subscription.ts';
export type { TargetsClient } from './client/targets.ts';
export type { TopicClient } from './client/topic.ts';
export type { Consumer, ConsumerOptions, Handler, HandlerContext, StopOptions, TransactionHandler } from './consumer/consumer.ts';
export type { ConsumerEvents } from './consumer/events.ts';
export { Reject } from './consumer/reject.ts';
export { type HttpTransportOptions, httpTransport } from './transports/http.ts';
