/**
 * A consumer of a small queue over a real HTTP server, with timers that the test drives. Each test of a file that calls `useConsumer` has new
 * ones, in the exported bindings.
 */
import { afterEach, beforeEach, vi } from 'vitest';
import { textOfThrown } from '../../contract/thrown.ts';
import { type Consumer, type ConsumerOptions, Dumbwaiter, type DumbwaiterError, type Handler } from '../../sdk/index.ts';
import { ContractServer } from './contract-server.ts';
import { ManualTimers } from './manual-timers.ts';
import { SmallQueue } from './small-queue.ts';

export type Body = { id: string };

export let queue: SmallQueue;
export let server: ContractServer;
export let timers: ManualTimers;
export let consumer: Consumer<Body>;
/** The events of the consumer, one text each. */
export let told: string[];

export function useConsumer(): void {
  beforeEach(async () => {
    queue = new SmallQueue();
    server = await ContractServer.start(queue.answers);
    timers = new ManualTimers();
    told = [];
  });
  afterEach(async () => {
    const stopped = consumer.stop({ deadlineMs: 0 });
    await timers.advance(0);
    await stopped;
    await server.stop();
  });
}

/** For a test that makes its consumer itself. */
export function setConsumer(made: Consumer<Body>): void {
  consumer = made;
}

export function consume(handler: Handler<Body>, options: ConsumerOptions = {}): void {
  consumer = new Dumbwaiter({ url: server.url, apiKey: 'k', timers }).queue<Body>('q').consume(handler, {
    visibilityTimeoutSeconds: 60,
    waitSeconds: 20,
    ...options,
  });
  consumer.on('message', ({ id }) => told.push(`message ${id}`));
  consumer.on('ack', ({ id }) => told.push(`ack ${id}`));
  consumer.on('failed', ({ message, error }) => told.push(`failed ${message.id}: ${textOfThrown(error)}`));
  consumer.on('error', ({ error, message }) =>
    told.push(`error ${message?.id ?? 'receive'}: ${(error as DumbwaiterError).code}`),
  );
  consumer.on('idle', () => told.push('idle'));
}

/** A handler that runs for each message until the test ends it. */
export function held() {
  const working = new Map<string, { end: (error?: Error) => void; signal: AbortSignal }>();
  const handler: Handler<Body> = ({ body }, { signal }) =>
    new Promise<void>((resolve, reject) => {
      working.set(body.id, {
        signal,
        end: (error) => {
          working.delete(body.id);
          if (error) reject(error);
          else resolve();
        },
      });
    });
  const end = (id: string, error?: Error) => working.get(id)?.end(error);
  return { working, handler, end };
}

export const until = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 5 });
export const maxima = () => server.callsOf('receive').map(({ input }) => input.max);
