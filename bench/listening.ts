/**
 * Counts what an idle consumer costs that waits on a WebSocket to be woken, in a day that the measurement drives: the SDK's consumer, against a
 * socket that closes as API Gateway does, and receives and listens on a real DynamoDB engine.
 */
import type { Transport } from '../contract/contract.ts';
import { wakeConnectionMsMax } from '../contract/limits.ts';
import { Dumbwaiter } from '../sdk/index.ts';
import { ManualTimers, turn } from '../test/support/manual-timers.ts';
import { drivenClock } from './driven-clock.ts';
import type { TestBed } from './test-bed.ts';

const dayMs = 24 * 60 * 60_000;
const daysOfMonth = 30;
/** https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html */
const idleConnectionMsMax = 10 * 60_000;

/** In us-east-1, dollars. docs/operating.md has the sources. */
const prices = {
  connectionMinute: 0.25e-6,
  socketMessage: 1e-6,
  httpCall: 1e-6,
  invocation: 0.2e-6,
  gigabyteSecond: 13.3334e-6,
  logGigabyte: 0.5,
  readUnit: 0.125e-6,
  writeUnit: 0.625e-6,
};
/** Each call reads its key: the last one is older than a key is cached. */
const keyUnits = 1;
/** Of one run of a function of 256 MB. */
const [runSeconds, runGigabytes, logGigabytes] = [0.025, 0.25, 1e-6];

export interface ListeningCost {
  /** In a day. */
  receives: number;
  listens: number;
  /** From the client and to it. */
  socketMessages: number;
  connections: number;
  readUnits: number;
  /** Closed because they were silent: none should be. */
  closedIdle: number;
  dollarsPerMonth: number;
}

export async function listeningCost(testBed: TestBed): Promise<ListeningCost> {
  const timers = new ManualTimers();
  const { engine, meter } = testBed.instance({ clock: { ...drivenClock(), now: timers.now, local: timers.now } });
  await engine.call('createQueue', { queue: 'listening' }, {});
  meter.reset();
  const counts = { receives: 0, listens: 0, socketMessages: 0, connections: 0, closedIdle: 0 };
  let working = 0;

  async function work<T>(run: () => Promise<T>): Promise<T> {
    working++;
    return run().finally(() => working--);
  }

  class Socket extends EventTarget {
    #cancelIdle = () => {};
    readonly #cancelEnd: () => void;

    constructor() {
      super();
      counts.connections++;
      this.#cancelEnd = timers.after(wakeConnectionMsMax, () => this.#end());
      this.#stayAlive();
      queueMicrotask(() => this.dispatchEvent(new Event('open')));
    }

    send(text: string): void {
      counts.socketMessages++;
      this.#stayAlive();
      const { action, queue } = JSON.parse(text);
      if (action !== 'listen') return;
      counts.listens++;
      void work(async () => {
        await engine.nextDue(queue);
        counts.socketMessages++;
        this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify({ listening: queue }) }));
      });
    }

    close(): void {
      this.#cancelIdle();
      this.#cancelEnd();
    }

    #stayAlive(): void {
      this.#cancelIdle();
      this.#cancelIdle = timers.after(idleConnectionMsMax, () => {
        counts.closedIdle++;
        this.#end();
      });
    }

    #end(): void {
      this.close();
      this.dispatchEvent(new Event('close'));
    }
  }

  const transport: Transport = {
    call: (operation, params, input) =>
      work(async () => {
        if (operation === 'receive') counts.receives++;
        const answer = await engine.call(operation as 'receive', params as { queue: string }, input);
        return { ...answer, wakeUrl: 'wss://idle' } as never;
      }),
    wakeAddress: (url) => ({ url, key: 'key' }),
  };

  const { WebSocket: real } = globalThis;
  globalThis.WebSocket = Socket as never;
  try {
    const consumer = new Dumbwaiter({ transport, timers })
      .queue('listening')
      .consume(() => undefined, { wake: true, visibilityTimeoutSeconds: 30 });
    const end = timers.now() + dayMs;
    while (timers.now() < end) {
      do await turn();
      while (working > 0);
      await timers.advance(Math.min(timers.pendingMs[0] ?? dayMs, end - timers.now()));
    }
    await consumer.stop({ deadlineMs: 0 });
  } finally {
    globalThis.WebSocket = real;
  }
  const { readUnits } = meter.reset();
  return { ...counts, readUnits, dollarsPerMonth: daysOfMonth * dollarsPerDay({ ...counts, readUnits }) };
}

function dollarsPerDay({ receives, listens, socketMessages, readUnits }: Omit<ListeningCost, 'dollarsPerMonth'>): number {
  const run = prices.invocation + runSeconds * runGigabytes * prices.gigabyteSecond + logGigabytes * prices.logGigabyte;
  return (
    (dayMs / 60_000) * prices.connectionMinute +
    socketMessages * prices.socketMessage +
    receives * (prices.httpCall + run) +
    listens * (run + prices.writeUnit) +
    (readUnits + (receives + listens) * keyUnits) * prices.readUnit
  );
}
