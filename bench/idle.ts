/** Counts what an idle queue and an idle consumer cost, under a clock that the measurement drives. */

import { sweepPeriodMs, waitSecondsMax } from '../contract/limits.ts';
import { maxIdlePollSecondsDefault } from '../sdk/consumer/options.ts';
import { drivenClock } from './driven-clock.ts';
import type { TestBed } from './test-bed.ts';

const minuteMs = 60_000;
const queuesSwept = 10;

interface ConsumerCost {
  callsPerMinute: number;
  readUnitsPerMinute: number;
}

export interface IdleCost {
  /** A consumer that waits at the server, 20 s per receive. */
  waiting: ConsumerCost;
  /** A consumer that receives every five seconds without waiting, as on AWS. */
  polling: ConsumerCost;
  sweep: { callsPerMinute: number; callsPerMinuteAndQueue: number; readUnitsPerMinuteAndQueue: number };
}

/** The test bed must not contain a queue yet. */
export async function idleCost(testBed: TestBed): Promise<IdleCost> {
  const clock = drivenClock();
  const { engine, meter } = testBed.instance({ clock });
  const sweep = () => engine.sweep({ until: clock.now() + sweepPeriodMs });

  meter.reset();
  await sweep();
  const bare = meter.reset();
  for (let queue = 0; queue < queuesSwept; queue++) await engine.call('createQueue', { queue: `idle-${queue}` }, {});
  await clock.sleep(sweepPeriodMs);
  meter.reset();
  await sweep();
  const swept = meter.reset();

  async function idleMinute(receive: () => Promise<unknown>): Promise<ConsumerCost> {
    meter.reset();
    const startedAt = clock.now();
    while (clock.now() - startedAt < minuteMs) await receive();
    const { calls, readUnits } = meter.reset();
    const minutes = (clock.now() - startedAt) / minuteMs;
    return { callsPerMinute: calls / minutes, readUnitsPerMinute: readUnits / minutes };
  }
  const receive = (waitSeconds: number) => engine.call('receive', { queue: 'idle-0' }, { waitSeconds });
  const sweeps = minuteMs / sweepPeriodMs;
  return {
    waiting: await idleMinute(() => receive(waitSecondsMax)),
    polling: await idleMinute(async () => {
      await clock.sleep(maxIdlePollSecondsDefault * 1000);
      await receive(0);
    }),
    sweep: {
      callsPerMinute: bare.calls * sweeps,
      callsPerMinuteAndQueue: ((swept.calls - bare.calls) / queuesSwept) * sweeps,
      readUnitsPerMinuteAndQueue: ((swept.readUnits - bare.readUnits) / queuesSwept) * sweeps,
    },
  };
}
