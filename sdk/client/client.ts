import type { Page, Queue, Transport } from '../../contract/contract.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { Caller, type CallOptions, retriesDefault, timeoutMsDefault } from '../calls/caller.ts';
import { type JsonMode, readerOf } from '../calls/json-mode.ts';
import { Leases } from '../calls/leases.ts';
import { type Pages, pagesOf } from '../calls/pages.ts';
import { Publisher } from '../calls/publisher.ts';
import { hostTimers, type Timers } from '../calls/timers.ts';
import { type HttpTransportOptions, httpNames, httpTransport } from '../transports/http.ts';
import type { Connection } from './connection.ts';
import { KeysClient } from './keys.ts';
import { QueueClient } from './queue.ts';
import { Requests } from './requests.ts';
import { SchedulesClient } from './schedules.ts';

export interface DumbwaiterSettings {
  /** How long a call may take, retries included, in ms. Default 60,000. */
  timeoutMs?: number;
  /** How often a call is tried again after a retryable error. Default 5. */
  retries?: number;
  /**
   * How long a publish waits for others to share its call, in ms. Default 0: those of the same turn of the event loop. Up to ten small messages
   * of one call share a row, so ten that share a call cost 0.6 write units each, and one alone costs 6: a program that publishes one after
   * another saves up to nine tenths by some 10 to 50 ms here.
   */
  lingerMs?: number;
  /**
   * What JSON of messages (bodies, attributes, results) comes as. `values`, the default: as `JSON.parse` makes it, which rounds what a number
   * cannot hold. `bigint`: the same, but whole numbers beyond 2^53 as bigint. `text`: the JSON text that was sent, for a parser of your own;
   * of attributes each value by itself.
   */
  json?: JsonMode;
  /** For tests: time and chance in place of the host's. */
  timers?: Timers;
}

/** Over HTTP, or over another transport. */
export type DumbwaiterOptions = DumbwaiterSettings & (HttpTransportOptions | { transport: Transport });

const clientNames: Names<DumbwaiterSettings & HttpTransportOptions & { transport: Transport }> = {
  ...httpNames,
  timeoutMs: true,
  retries: true,
  lingerMs: true,
  timers: true,
  json: true,
  transport: true,
};

/** A client of one Dumbwaiter. It holds no connection of its own: make one, share it, and let it go. */
export class Dumbwaiter {
  /** API keys; asks for an admin key. */
  readonly keys: KeysClient;
  /** Messages that recur; asks for an admin key of all queues. */
  readonly schedules: SchedulesClient;
  readonly #connection: Connection;

  constructor(options: DumbwaiterOptions) {
    checkNames('Dumbwaiter', options, clientNames);
    const { timeoutMs = timeoutMsDefault, retries = retriesDefault, lingerMs = 0, timers = hostTimers, json, ...way } = options;
    const transport = 'transport' in way ? way.transport : httpTransport(way);
    const caller = new Caller(transport, timers, { timeoutMs, retries }, readerOf(json));
    this.#connection = {
      caller,
      timers,
      publisher: new Publisher(caller, timers, lingerMs),
      leases: new Leases(caller, timers, 0),
      requests: new Requests(caller, timers),
    };
    this.keys = new KeysClient(caller);
    this.schedules = new SchedulesClient(caller);
  }

  /** The queue of this name, its bodies of type `T`. Calls nothing. */
  queue<T = unknown>(name: string): QueueClient<T> {
    return new QueueClient<T>(name, this.#connection);
  }

  /** The queues that the key may see. */
  queues(input: Page = {}, options?: CallOptions): Pages<Queue> {
    return pagesOf(input, async (page) => {
      const { queues, cursor } = await this.#connection.caller.call('listQueues', {}, page, options);
      return [queues, cursor];
    });
  }

  /** Whether the queue answers. */
  health(options?: CallOptions): Promise<{ status: 'ok' }> {
    return this.#connection.caller.call('health', {}, {}, options);
  }
}
