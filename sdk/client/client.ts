/**
 * The client of the SDK. `sdk/client/` holds the classes that users call: start here. They make calls through `sdk/calls/`,
 * over a transport of `sdk/transports/`.
 */
import type {
  AuditEntry,
  AuditInput,
  ListedQueue,
  ListedTopic,
  QueuesPage,
  ServerStatus,
  TopicsPage,
  Transport,
} from '../../contract/contract.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { Caller, type CallOptions, retriesDefault, timeoutMsDefault } from '../calls/caller.ts';
import { type JsonMode, readerOf } from '../calls/json-mode.ts';
import { Leases } from '../calls/leases.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';
import { Publisher } from '../calls/publisher.ts';
import { hostTimers, type Timers } from '../calls/timers.ts';
import { type Tracing, untraced } from '../calls/tracing.ts';
import { type HttpTransportOptions, httpNames, httpTransport } from '../transports/http.ts';
import { KeysClient } from './keys.ts';
import { QueueClient } from './queue.ts';
import { type Connection, Requests } from './requests.ts';
import { SchedulesClient } from './schedules.ts';
import { TopicClient } from './topic.ts';

export interface DumbwaiterSettings {
  /** How long a call may take, retries included, in ms. Default 60,000. */
  timeoutMs?: number;
  /** How often a call is retried after a retryable error. Default 5. */
  retries?: number;
  /**
   * How long a publish waits for others to share its call, in ms. Default 0: publishes of the same turn of the event loop share
   * a call.
   * Up to ten small messages of one call share a row. A message in a full row costs 0.6 write units, a message alone 6. A
   * program that publishes one message after another saves up to nine tenths with 10 to 50 ms.
   */
  lingerMs?: number;
  /**
   * The form in which the JSON of messages (bodies, attributes, results) is returned. `values`, the default: parsed by
   * `JSON.parse`, which rounds large numbers. `bigint`: the same, but whole numbers beyond 2^53 are bigints. `text`: the JSON
   * text that was sent, for another parser; of attributes, one text for each value.
   */
  json?: JsonMode;
  /** Makes spans of the client's work: `openTelemetry()` of `dumbwaiter-queue/otel`. Default: none. */
  tracing?: Tracing;
  /** Replaces the host's time and randomness in tests. */
  timers?: Timers;
}

/** The client's options, with those of the HTTP transport or with another transport. */
export type DumbwaiterOptions = DumbwaiterSettings & (HttpTransportOptions | { transport: Transport });

const clientNames: Names<DumbwaiterSettings & HttpTransportOptions & { transport: Transport }> = {
  ...httpNames,
  timeoutMs: true,
  retries: true,
  lingerMs: true,
  timers: true,
  tracing: true,
  json: true,
  transport: true,
};

/** A client of one Dumbwaiter deployment. Create one and share it. It opens no connections itself, so it need not be closed. */
export class Dumbwaiter {
  /** API keys. Requires an admin key. */
  readonly keys: KeysClient;
  /** Recurring messages. Requires an admin key for all queues. */
  readonly schedules: SchedulesClient;
  readonly #connection: Connection;

  constructor(options: DumbwaiterOptions) {
    checkNames('Dumbwaiter', options, clientNames);
    const {
      timeoutMs = timeoutMsDefault,
      retries = retriesDefault,
      lingerMs = 0,
      timers = hostTimers,
      tracing = untraced,
      json,
      ...transportOptions
    } = options;
    const transport = 'transport' in transportOptions ? transportOptions.transport : httpTransport(transportOptions);
    const caller = new Caller(transport, timers, { timeoutMs, retries }, readerOf(json));
    this.#connection = {
      caller,
      timers,
      tracing,
      publisher: new Publisher(caller, timers, lingerMs, tracing),
      leases: new Leases(caller, timers, 0, tracing),
      requests: new Requests(caller, timers, tracing),
    };
    this.keys = new KeysClient(caller);
    this.schedules = new SchedulesClient(caller);
  }

  /** The queue of this name, with bodies of type `T`. Makes no call. */
  queue<T = unknown>(name: string): QueueClient<T> {
    return new QueueClient<T>(name, this.#connection);
  }

  /** The topic of this name, with bodies of type `T`. Makes no call. */
  topic<T = unknown>(name: string): TopicClient<T> {
    return new TopicClient<T>(name, this.#connection);
  }

  /** Lists the topics that the API key may see. */
  topics(input: TopicsPage = {}, options?: CallOptions): Pages<ListedTopic> {
    return pagesOf(
      input,
      (page) => this.#connection.caller.call('listTopics', {}, page, options),
      ({ topics }) => topics,
    );
  }

  /** Lists the queues that the API key may see; with `counts`, each with its messages counted. */
  queues(input: QueuesPage = {}, options?: CallOptions): Pages<ListedQueue> {
    return pagesOf(
      input,
      (page) => this.#connection.caller.call('listQueues', {}, page, options),
      ({ queues }) => queues,
    );
  }

  /** Lists which key changed what lately, newest first. Requires an admin key for all queues and topics. */
  audit(input: AuditInput = {}, options?: CallOptions): Pages<AuditEntry> {
    return pagesOf(
      input,
      (page) => this.#connection.caller.call('listAudit', {}, page, options),
      ({ entries }) => entries,
    );
  }

  /** Reads what an operator needs to know besides the queues. Requires an admin key for all queues and topics. */
  status(options?: CallOptions): Promise<ServerStatus> {
    return this.#connection.caller.call('getStatus', {}, {}, options);
  }

  /** Resolves if the deployment answers. */
  health(options?: CallOptions): Promise<{ status: 'ok' }> {
    return this.#connection.caller.call('health', {}, {}, options);
  }
}
