/** The SDK's root import. It has no dependencies and runs on Node 20 or later, in browsers and in workers. */

export type {
  AckResult,
  ApiKey,
  Attributes,
  Backoff,
  Counts,
  DeadLetter,
  DeathReason,
  DeathRecord,
  EndState,
  ExtendResult,
  FailureRecord,
  GroupSettings,
  Idempotency,
  Json,
  Keep,
  MessageState,
  MissedTicks,
  Page,
  Priority,
  PublishResult,
  Queue,
  QueueLimits,
  QueueSettings,
  QueueSettingsInput,
  RedriveInput,
  RedriveTask,
  Refused,
  ReleaseResult,
  Scope,
  Target,
  TargetFormat,
  TargetInput,
  TargetState,
  TransactionWrite,
  Transport,
} from '../contract/contract.ts';
export { DumbwaiterError, type ErrorCode, errors } from '../contract/errors.ts';
export { type JsonText, jsonText } from '../contract/json-text.ts';
export type { CallOptions } from './calls/caller.ts';
export type { JsonMode } from './calls/json-mode.ts';
export type { ReleaseInput } from './calls/leases.ts';
export type { ListPage, Pages } from './calls/pages.ts';
export type { NewMessage } from './calls/publisher.ts';
export type { Extended, ReceivedMessage, Released, WaitingMessage } from './calls/received-message.ts';
export type { Timers } from './calls/timers.ts';
export {
  type DocumentItem,
  type ItemsOptions,
  type LowLevelItem,
  type PlainValue,
  refusalOfTransaction,
} from './calls/transactions.ts';
export { Dumbwaiter, type DumbwaiterOptions, type DumbwaiterSettings } from './client/client.ts';
export type { KeysClient } from './client/keys.ts';
export type { QueueClient } from './client/queue.ts';
export type {
  Edit,
  Publishable,
  Published,
  PublishItems,
  QueueDescription,
  Receipts,
  ReceiveInput,
  Reschedule,
} from './client/queue-types.ts';
export type { Redrive, RedriveWaitOptions } from './client/redrive.ts';
export type { CallInput } from './client/requests.ts';
export type { NewSchedule, ScheduleChanges, ScheduleDescription, SchedulesClient, TickMessage } from './client/schedules.ts';
export type { TargetsClient } from './client/targets.ts';
export type { Consumer, ConsumerOptions, Handler, HandlerContext, StopOptions, TransactionHandler } from './consumer/consumer.ts';
export type { ConsumerEvents } from './consumer/events.ts';
export { Reject } from './consumer/reject.ts';
export { type HttpTransportOptions, httpTransport } from './transports/http.ts';
