/** Runs publishers and receivers of one queue, and counts their results. */

import type { Engine } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';
import { type CapacityTestBed, isSurfaced } from './test-bed.ts';

export interface LoadPlan {
  queue: string;
  publishers: number;
  receivers: number;
  /** Messages per second that all publishers together offer. */
  perSecond: number;
  /** Publishers pause while this many messages are published but not acked. Default: they never pause. */
  backlogMax?: number;
  /** Body size of each message. */
  bodyBytes: number;
}

export interface Tally {
  publishes: number;
  published: number;
  received: number;
  acked: number;
  receives: number;
  emptyReceives: number;
  /** Calls, or entries of calls, that failed for lack of capacity, by operation. */
  surfaced: { publish: number; receive: number; ack: number };
  publishMs: number[];
  /** Time from a message's publish until its receive. */
  receiveMs: number[];
}

export const batch = 10;
const backlogPauseMs = 20;
const waitSeconds = 1;

export function createTally(): Tally {
  return {
    publishes: 0,
    published: 0,
    received: 0,
    acked: 0,
    receives: 0,
    emptyReceives: 0,
    surfaced: { publish: 0, receive: 0, ack: 0 },
    publishMs: [],
    receiveMs: [],
  };
}

export interface Running {
  tally: Tally;
  /** Messages that are published but not acked. */
  backlog(): number;
  stopPublishing(): void;
  stop(): void;
}

/** Starts the publishers and receivers. They run when the virtual time of the test bed runs. */
export function startLoad(testBed: CapacityTestBed, plan: LoadPlan): Running {
  const running = { isPublishing: true, isReceiving: true };
  const { backlogMax = Number.POSITIVE_INFINITY } = plan;
  const periodMs = (plan.publishers * batch * 1000) / plan.perSecond;
  let backlog = 0;
  const load: Running = {
    tally: createTally(),
    backlog: () => backlog,
    stopPublishing: () => {
      running.isPublishing = false;
    },
    stop: () => {
      running.isPublishing = false;
      running.isReceiving = false;
    },
  };
  const body = 'x'.repeat(plan.bodyBytes);

  async function publishOnce(engine: Engine): Promise<void> {
    const { tally } = load;
    const { results } = await engine.call(
      'publish',
      { queue: plan.queue },
      { messages: Array.from({ length: batch }, () => ({ body })) },
    );
    tally.publishes++;
    const accepted = results.filter(({ ok }) => ok).length;
    tally.published += accepted;
    backlog += accepted;
    if (accepted < results.length) tally.surfaced.publish++;
  }

  async function publishOn(engine: Engine, clock: Clock, place: number): Promise<void> {
    const { time } = testBed;
    // Spread the starts over the first period.
    await clock.sleep((periodMs * place) / plan.publishers);
    while (running.isPublishing) {
      const startedAt = time.now();
      if (backlog >= backlogMax) {
        await clock.sleep(backlogPauseMs);
        continue;
      }
      try {
        await publishOnce(engine);
      } catch (error) {
        if (!isSurfaced(error)) throw error;
        load.tally.surfaced.publish++;
      }
      load.tally.publishMs.push(time.now() - startedAt);
      await clock.sleep(Math.max(0, startedAt + periodMs - time.now()));
    }
  }

  async function receiveOn(engine: Engine): Promise<void> {
    while (running.isReceiving) {
      const { tally } = load;
      try {
        const { messages } = await engine.call('receive', { queue: plan.queue }, { max: batch, waitSeconds });
        tally.receives++;
        if (messages.length === 0) tally.emptyReceives++;
        if (messages.length === 0) continue;
        tally.received += messages.length;
        const now = testBed.time.now();
        for (const { publishedAt } of messages) tally.receiveMs.push(now - Date.parse(publishedAt));
        await ackAll(
          engine,
          messages.map(({ receipt }) => receipt),
        );
      } catch (error) {
        if (!isSurfaced(error)) throw error;
        tally.surfaced.receive++;
      }
    }
  }

  async function ackAll(engine: Engine, receipts: string[]): Promise<void> {
    const { tally } = load;
    const { results } = await engine.call('ack', { queue: plan.queue }, { receipts });
    const done = results.filter(({ ok }) => ok).length;
    tally.acked += done;
    backlog -= done;
    if (results.some((result) => !result.ok && result.code === 'unavailable')) tally.surfaced.ack++;
  }

  const failed = (error: unknown) => {
    // Any other error ends the measurement.
    queueMicrotask(() => {
      throw error;
    });
  };
  for (let i = 0; i < plan.publishers; i++) {
    const { engine, clock } = testBed.process();
    void publishOn(engine, clock, i).catch(failed);
  }
  for (let i = 0; i < plan.receivers; i++) {
    const { engine } = testBed.process();
    void receiveOn(engine).catch(failed);
  }
  return load;
}
