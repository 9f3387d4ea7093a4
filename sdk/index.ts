/** The SDK's root import: no dependency; Node 20 or later, browsers, workers. */
export { Dumbwaiter, type DumbwaiterOptions, type DumbwaiterSettings } from './client.ts';
export type { Consumer, ConsumerOptions, Handler, HandlerContext, StopOptions, TransactionHandler } from './consumer.ts';
export type { ConsumerEvents } from './consumer-events.ts';
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
  TransactionWrite,
  Transport,
} from './contract.ts';
export { DumbwaiterError, type ErrorCode, errors } from './errors.ts';
export { type HttpTransportOptions, httpTransport } from './http.ts';
export type { JsonMode } from './json-mode.ts';
export { type JsonText, jsonText } from './json-text.ts';
export type { KeysClient } from './keys.ts';
export type { ReleaseInput } from './leases.ts';
export type { Extended, ReceivedMessage, Released, WaitingMessage } from './message.ts';
export type { ListPage, Pages } from './pages.ts';
export type { NewMessage } from './publisher.ts';
export type { QueueClient } from './queue.ts';
export type {
  Edit,
  Publishable,
  Published,
  PublishItems,
  QueueDescription,
  Receipts,
  ReceiveInput,
  Reschedule,
} from './queue-calls.ts';
export type { Redrive, RedriveWaitOptions } from './redrive.ts';
export { Reject } from './reject.ts';
export type { CallInput } from './requests.ts';
export type { CallOptions } from './retry.ts';
export type { NewSchedule, ScheduleChanges, ScheduleDescription, SchedulesClient, TickMessage } from './schedules.ts';
export type { Timers } from './timers.ts';
export {
  type DocumentItem,
  type ItemsOptions,
  type LowLevelItem,
  type PlainValue,
  refusalOfTransaction,
} from './transactions.ts';
