/** The faults, dealt like cards: each kind occurs once before any occurs again. */
import { setTimeout as delay } from 'node:timers/promises';
import { clockMarginMs } from '../../contract/limits.ts';
import type { Random } from '../../engine/port/port.ts';
import type { Cluster } from './cluster.ts';

export const faults = ['server killed', 'engine killed', 'client killed', 'clock moved'] as const;
export type Fault = (typeof faults)[number];

/** Clocks jump between these two offsets, so that no clock is further off than the queue allows. */
const movedMsMax = clockMarginMs / 2;
const quietMsMin = 300;
const quietMsMax = 2_500;

export interface Chaos {
  random: Random;
  cluster: Cluster;
  killClient(): Promise<void>;
  count(fault: Fault): void;
  signal: AbortSignal;
}

/** Injects faults until the signal aborts. Each killed process runs again when this resolves. */
export async function strike({ random, cluster, killClient, count, signal }: Chaos): Promise<void> {
  const whole = (below: number) => Math.floor(random.number() * below);
  const run: Record<Fault, () => Promise<void>> = {
    'server killed': () => cluster.killServer(whole(cluster.urls.length)),
    'engine killed': () => cluster.killEngine(),
    'client killed': killClient,
    async 'clock moved'() {
      cluster.moveClock(whole(cluster.urls.length), Math.round((2 * random.number() - 1) * movedMsMax));
    },
  };
  let dealt: Fault[] = [];
  while (!signal.aborted) {
    if (dealt.length === 0) dealt = [...faults];
    const [fault] = dealt.splice(whole(dealt.length), 1);
    await run[fault!]();
    count(fault!);
    await delay(quietMsMin + random.number() * (quietMsMax - quietMsMin), undefined, { signal }).catch(() => undefined);
  }
}
