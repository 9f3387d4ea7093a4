/** What is paid while nothing happens: counted, under a clock that the measurement drives. */
import { sweepPeriodMs, waitSecondsMax } from '../sdk/limits.ts';
import { drivenClock } from './driven-clock.ts';
import type { Ground } from './ground.ts';

const minuteMs = 60_000;
const queuesSwept = 10;

export interface IdleCost {
  consumer: { callsPerMinute: number; readUnitsPerMinute: number };
  sweep: { callsPerMinute: number; callsPerMinuteAndQueue: number; readUnitsPerMinuteAndQueue: number };
}

/** On ground where no queue is yet. */
export async function idleCost(ground: Ground): Promise<IdleCost> {
  const clock = drivenClock();
  const { engine, meter } = ground.instance({ clock });
  const sweep = () => engine.sweep({ until: clock.now() + sweepPeriodMs });

  meter.reset();
  await sweep();
  const bare = meter.reset();
  for (let queue = 0; queue < queuesSwept; queue++) await engine.call('createQueue', { queue: `idle-${queue}` }, {});
  await clock.sleep(sweepPeriodMs);
  meter.reset();
  await sweep();
  const swept = meter.reset();

  const startedAt = clock.now();
  while (clock.now() - startedAt < minuteMs) {
    await engine.call('receive', { queue: 'idle-0' }, { waitSeconds: waitSecondsMax });
  }
  const waited = meter.reset();
  const minutes = (clock.now() - startedAt) / minuteMs;
  const sweeps = minuteMs / sweepPeriodMs;
  return {
    consumer: { callsPerMinute: waited.calls / minutes, readUnitsPerMinute: waited.readUnits / minutes },
    sweep: {
      callsPerMinute: bare.calls * sweeps,
      callsPerMinuteAndQueue: ((swept.calls - bare.calls) / queuesSwept) * sweeps,
      readUnitsPerMinuteAndQueue: ((swept.readUnits - bare.readUnits) / queuesSwept) * sweeps,
    },
  };
}
