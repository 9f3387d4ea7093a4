/**
 * The contract between a caller and the queue: the operations with their inputs and outputs, the same over HTTP, Lambda invoke
 * and in process. Instants are RFC 3339 with milliseconds; durations are whole seconds.
 * `contract/` holds the wire types, limits, errors and schemas that the SDK and the engine share. Start reading here. The
 * HTTP paths are in routes.ts, the limits in limits.ts.
 */

import type { AuditEntry, AuditInput } from './audit.ts';
import type { ApiKey, CreatedKey, KeyInput, OwnKey } from './keys.ts';
import type {
  AckResult,
  ExtendResult,
  Json,
  Message,
  MessageChanges,
  MessageFilter,
  MessageState,
  PublishEntry,
  PublishResult,
  ReceivedMessage,
  RedriveInput,
  RedriveTask,
  ReleaseResult,
} from './messages.ts';
import type { Counts, ListedQueue, Queue, QueueSettings, QueueSettingsInput } from './queues.ts';
import type { Schedule, ScheduleInput, ScheduleWithTicks } from './schedules.ts';
import type { QueueStatsPoint, StatsInput, TopicStatsPoint } from './stats.ts';
import type { ServerStatus } from './status.ts';
import type { Target, TargetInput } from './targets.ts';
import type {
  ListedTopic,
  MatchResult,
  Subscription,
  SubscriptionChanges,
  SubscriptionInput,
  SubscriptionWithCounts,
  TestedMessage,
  Topic,
  TopicEntry,
  TopicPublishResult,
  TopicSettingsInput,
} from './topics.ts';
import type { TransactionItem, TransactionWrite } from './transaction-items.ts';

export type * from './audit.ts';
export type * from './environment.ts';
export type * from './keys.ts';
export type * from './messages.ts';
export type * from './queues.ts';
export type * from './schedules.ts';
export type * from './stats.ts';
export type * from './status.ts';
export type * from './targets.ts';
export type * from './topics.ts';
export type * from './transaction-items.ts';

export interface Page {
  /** Entries per page, 1 to 100. Default 50. */
  limit?: number;
  /** The `cursor` of the previous page. Default: the first page. */
  cursor?: string;
}

export interface QueuesPage extends Page {
  /** Only queues whose names begin with these characters. Default: all. */
  prefix?: string;
  /** Whether to count the messages of each queue, as reading one queue does. Default false. */
  counts?: boolean;
  /** Whether to add what happened in each queue in the last hour, in points of ten minutes, as `queueStats` does. Default false. */
  lastHour?: boolean;
}

export interface TopicsPage extends Page {
  /** Whether to add what was published to each topic in the last hour, in points of ten minutes, as `topicStats` does. Default false. */
  lastHour?: boolean;
}

/** Which messages to show. */
export interface PeekInput extends Page, MessageFilter {
  /** Only messages in this state. Default: all. */
  state?: MessageState;
}

/** The parameters (in the path), input (JSON body, or query string of a GET) and output of each operation. */
export interface Operations {
  createQueue: { params: { queue: string }; input: QueueSettingsInput; output: Queue };
  getQueue: { params: { queue: string }; input: object; output: Queue & { counts: Counts } };
  updateQueue: { params: { queue: string }; input: QueueSettingsInput; output: Queue };
  deleteQueue: { params: { queue: string }; input: object; output: object };
  listQueues: { params: object; input: QueuesPage; output: { queues: ListedQueue[]; cursor?: string } };
  publish: { params: { queue: string }; input: { messages: PublishEntry[] }; output: { results: PublishResult[] } };
  receive: {
    params: { queue: string };
    input: { max?: number; visibilityTimeoutSeconds?: number; waitSeconds?: number; attemptId?: string };
    /**
     * `waitIsCheap`: whether `waitSeconds` costs almost nothing here and the server notices a caller that disconnects. Absent
     * on Lambda. `wakeUrl`: where an idle consumer can wait to be woken, in an answer without messages: see wake.ts.
     */
    output: { messages: ReceivedMessage[]; waitIsCheap?: boolean; wakeUrl?: string };
  };
  ack: { params: { queue: string }; input: { receipts: string[]; result?: Json }; output: { results: AckResult[] } };
  release: {
    params: { queue: string };
    input: { receipts: string[]; delaySeconds?: number; failed?: string; deadLetter?: boolean };
    output: { results: ReleaseResult[] };
  };
  extend: {
    params: { queue: string };
    input: { receipts: string[]; visibilityTimeoutSeconds?: number; progress?: number };
    output: { results: ExtendResult[] };
  };
  publishItems: {
    params: { queue: string };
    input: { messages: PublishEntry[] };
    output: { items: TransactionItem[]; ids: string[] };
  };
  ackItems: { params: { queue: string }; input: { receipts: string[] }; output: { items: TransactionItem[] } };
  purge: { params: { queue: string }; input: object; output: { purgedBefore: string } };
  peek: {
    params: { queue: string };
    input: PeekInput;
    /** `examined`: how many messages were looked at, about. A page may be short, or empty, and still have a cursor. */
    output: { messages: Message[]; examined: number; cursor?: string };
  };
  getMessage: {
    params: { queue: string; id: string };
    input: { waitSeconds?: number };
    /** `wakeUrl`: where the caller can wait on for the end of the message, after a wait in which it did not end: see wake.ts. */
    output: Message & { wakeUrl?: string };
  };
  updateMessage: { params: { queue: string; id: string }; input: MessageChanges; output: { id: string; visibleAt: string } };
  cancelMessage: { params: { queue: string; id: string }; input: { force?: boolean }; output: object };
  releaseMessage: {
    params: { queue: string; id: string };
    input: { delaySeconds?: number; receives?: number };
    output: { visibleAt: string } | { deadLettered: true };
  };
  commitMessage: { params: { queue: string; id: string }; input: object; output: object };
  rollbackMessage: { params: { queue: string; id: string }; input: object; output: object };
  redrive: { params: { queue: string }; input: RedriveInput; output: RedriveTask };
  getRedrive: { params: { queue: string; task: string }; input: object; output: RedriveTask };
  cancelRedrive: { params: { queue: string; task: string }; input: object; output: RedriveTask };
  queueStats: { params: { queue: string }; input: StatsInput; output: { points: QueueStatsPoint[] } };
  rotateSigningSecret: { params: { queue: string }; input: object; output: { secret: string } };
  putTarget: { params: { queue: string; target: string }; input: TargetInput; output: Target };
  getTarget: { params: { queue: string; target: string }; input: object; output: Target };
  deleteTarget: { params: { queue: string; target: string }; input: object; output: object };
  listTargets: { params: { queue: string }; input: object; output: { targets: Target[] } };
  putSchedule: { params: { name: string }; input: ScheduleInput; output: Schedule };
  getSchedule: { params: { name: string }; input: object; output: ScheduleWithTicks };
  updateSchedule: { params: { name: string }; input: Partial<ScheduleInput>; output: Schedule };
  deleteSchedule: { params: { name: string }; input: object; output: object };
  listSchedules: { params: object; input: Page; output: { schedules: Schedule[]; cursor?: string } };
  createTopic: { params: { topic: string }; input: TopicSettingsInput; output: Topic };
  getTopic: { params: { topic: string }; input: object; output: Topic };
  updateTopic: { params: { topic: string }; input: TopicSettingsInput; output: Topic };
  deleteTopic: { params: { topic: string }; input: { force?: boolean }; output: object };
  listTopics: { params: object; input: TopicsPage; output: { topics: ListedTopic[]; cursor?: string } };
  topicStats: { params: { topic: string }; input: StatsInput; output: { points: TopicStatsPoint[] } };
  subscribe: { params: { topic: string; subscription: string }; input: SubscriptionInput; output: Subscription };
  getSubscription: { params: { topic: string; subscription: string }; input: object; output: SubscriptionWithCounts };
  updateSubscription: {
    params: { topic: string; subscription: string };
    input: SubscriptionChanges;
    output: Subscription;
  };
  unsubscribe: { params: { topic: string; subscription: string }; input: object; output: object };
  listSubscriptions: {
    params: { topic: string };
    input: Page;
    output: { subscriptions: Subscription[]; cursor?: string };
  };
  testSubscription: {
    params: { topic: string; subscription: string };
    input: TestedMessage;
    output: MatchResult;
  };
  publishToTopic: { params: { topic: string }; input: { messages: TopicEntry[] }; output: { results: TopicPublishResult[] } };
  topicPublishItems: {
    params: { topic: string };
    input: { messages: TopicEntry[] };
    output: { items: TransactionItem[]; ids: string[] };
  };
  commitPublication: { params: { topic: string; id: string }; input: object; output: object };
  rollbackPublication: { params: { topic: string; id: string }; input: object; output: object };
  createKey: {
    params: object;
    input: KeyInput;
    output: CreatedKey;
  };
  listKeys: { params: object; input: Page; output: { keys: ApiKey[]; cursor?: string } };
  getOwnKey: { params: object; input: object; output: OwnKey };
  revokeKey: { params: { id: string }; input: object; output: object };
  listAudit: { params: object; input: AuditInput; output: { entries: AuditEntry[]; cursor?: string } };
  getStatus: { params: object; input: object; output: ServerStatus };
  health: { params: object; input: object; output: { status: 'ok' } };
}

export type OperationName = keyof Operations;
export type ParamsOf<Name extends OperationName> = Operations[Name]['params'];
export type InputOf<Name extends OperationName> = Operations[Name]['input'];
/** An input that was validated: its nested settings are complete. */
export type CheckedInputOf<Name extends OperationName> = Name extends 'createQueue' | 'updateQueue'
  ? Partial<QueueSettings>
  : Name extends 'createTopic' | 'updateTopic'
    ? Omit<TopicSettingsInput, 'queueSettings'> & { queueSettings?: Partial<QueueSettings> }
    : Name extends 'subscribe'
      ? Omit<SubscriptionInput, 'settings'> & { settings?: Partial<QueueSettings> }
      : InputOf<Name>;
export type OutputOf<Name extends OperationName> = Operations[Name]['output'];

export interface TransportOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /**
   * Returns bodies, attributes and results as JsonText, with exactly the digits that were sent, instead of parsed values. A
   * transport that does not support this option returns values. Default false.
   */
  texts?: boolean;
}

/** How a call travels: HTTP, Lambda invoke, or in process. Rejects with `DumbwaiterError`. */
export interface Transport {
  call<Name extends OperationName>(
    operation: Name,
    params: ParamsOf<Name>,
    input: InputOf<Name>,
    options?: TransportOptions,
  ): Promise<OutputOf<Name>>;
  /**
   * The URL and the key for the WebSocket that `wakeUrl` names. A transport without an API key, or whose calls may wait in this process, has
   * no such method.
   */
  wakeAddress?(wakeUrl: string): { url: string; key: string } | undefined;
  /**
   * Commits entries of TransactWriteItems, the caller's and the queue's together: all or none. `token` is the
   * ClientRequestToken: DynamoDB applies the transaction once even if it is sent again within ten minutes. Only a transport
   * that has a DynamoDB client has this method.
   */
  transact?(
    items: readonly TransactionWrite[],
    options: { token: string; signal?: AbortSignal | undefined; timeoutMs?: number },
  ): Promise<void>;
}
