/** Draws a plan from a seed: each has its own cast, pace and misfortunes, so that all kinds of history come up among some hundreds. */
import type { Random } from '../../engine/port.ts';
import { seededRandom } from '../../engine/random.ts';
import { type Fault, manyFaults, noFaults } from '../../engine/simulated-store.ts';
import type { QueueSettings } from '../../sdk/contract.ts';
import { clockMarginMs, tombstoneMs } from '../../sdk/limits.ts';
import type { Choice, Plan, PlannedMessage, PlannedProcess, PlannedQueue, Step } from './plan.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
/** Clocks show whole milliseconds. */
const skewMsMax = clockMarginMs - 1;

/** Longest wait between two steps, by the pace of a history. */
const paces = [50, 2 * secondMs, 20 * secondMs, 3 * minuteMs, 40 * minuteMs];

/** What a history is mostly about: how often each kind of step comes. */
const themes: Record<string, Partial<Record<Step['do'], number>>> = {
  work: { publish: 4, receive: 6, ack: 5, release: 1, extend: 1, read: 1, die: 0.5, sweep: 0.5 },
  parts: { publish: 2, receive: 7, ack: 7, release: 3, extend: 1, die: 0.5 },
  failing: { publish: 2, receive: 7, ack: 1, release: 5, extend: 1, die: 1, sweep: 1, redrive: 1 },
  redriving: { publish: 3, receive: 5, ack: 1, release: 3, redrive: 3, cancelRedrive: 0.5, sweep: 1, read: 1, purge: 0.3 },
  purging: { publish: 5, receive: 5, ack: 2, release: 1, purge: 2, sweep: 2, read: 1 },
  ageing: { publish: 4, receive: 4, ack: 2, release: 2, sweep: 3, extend: 0.5, read: 1 },
  clocks: { publish: 4, receive: 6, ack: 3, release: 1, setClock: 3, loseClock: 2, purge: 0.5 },
  changing: { publish: 4, receive: 5, ack: 3, release: 2, update: 1, remake: 0.3, read: 1, sweep: 1 },
  idling: { publish: 4, receive: 2, ack: 2, sweep: 4, read: 1 },
  forsaken: { publish: 1, receive: 3, ack: 3, release: 0.5 },
  everything: {
    publish: 5,
    receive: 6,
    ack: 4,
    release: 2,
    extend: 1,
    sweep: 1,
    purge: 0.5,
    redrive: 0.7,
    cancelRedrive: 0.2,
    read: 1,
    die: 0.5,
    setClock: 0.5,
    loseClock: 0.2,
    update: 0.2,
  },
};

interface Drawing {
  random: Random;
  pick: <T>(values: readonly T[]) => T;
  chance: (share: number) => boolean;
  /** 0 ≤ n < below, whole. */
  whole: (below: number) => number;
}

function drawing(random: Random): Drawing {
  const whole = (below: number) => Math.floor(random.number() * below);
  return { random, whole, pick: (values) => values[whole(values.length)]!, chance: (share) => random.number() < share };
}

export function drawPlan(seed: number): Plan {
  const d = drawing(seededRandom(seed));
  // Neighbouring seeds begin alike.
  for (let i = 0; i < 8; i++) d.random.number();
  const about = d.pick(Object.keys(themes));
  const theme = themes[about]!;
  const isForsaken = about === 'forsaken';
  const pace = d.pick(paces);
  const queues = drawQueues(d, pace);
  let numbers = 0;
  const next = () => ++numbers;
  const count = isForsaken ? 2 : 2 + d.whole(4);
  const processes = Array.from({ length: count }, (_, index) => drawProcess(d, { index, theme, pace, queues, next }));
  const rates = isForsaken ? forsakenRates : drawRates(d);
  // What arrives late is left to the sweep: it has to come by within the hour of a tombstone.
  const needsSweep = rates.late + rates.duplicated > 0;
  return {
    seed,
    queues,
    processes,
    rates,
    pauseMsMax: d.pick([2 * secondMs, 10 * secondMs, minuteMs, 5 * minuteMs, 2 * hourMs]),
    sweepMs: isForsaken || (!needsSweep && d.chance(0.6)) ? undefined : Math.max(5 * secondMs, Math.min(pace, 4 * minuteMs)),
    silenceMs: isForsaken || (!needsSweep && d.chance(0.5)) ? tombstoneMs + minuteMs : 0,
    ttlActs: d.chance(0.7),
  };
}

function drawQueues(d: Drawing, pace: number): PlannedQueue[] {
  const queues: PlannedQueue[] = [];
  const add = (name: string, settings: Partial<QueueSettings>) =>
    queues.push({ name, settings, shards: d.chance(0.3) ? 2 + d.whole(3) : 1 });
  const hasDead = d.chance(0.6);
  if (hasDead) add('dead', drawSettings(d, pace));
  const deadLetter = { queue: 'dead', maxReceives: 1 + d.whole(3) };
  add('work', { ...drawSettings(d, pace), ...(hasDead ? { deadLetter } : {}) });
  if (d.chance(0.25)) add('more', drawSettings(d, pace));
  return queues;
}

function drawSettings(d: Drawing, pace: number): Partial<QueueSettings> {
  const settings: Partial<QueueSettings> = { visibilityTimeoutSeconds: d.pick([1, 2, 5, 30, 120, 600]) };
  if (d.chance(0.15)) settings.delaySeconds = 1 + d.whole(20);
  const kept = d.random.number();
  if (kept < 0.3) settings.retentionSeconds = null;
  else if (kept < 0.5) settings.retentionSeconds = 60 + d.whole(Math.ceil((3 * pace) / secondMs) + 60);
  if (d.chance(0.35)) {
    const minSeconds = d.whole(5);
    settings.backoff = {
      minSeconds,
      maxSeconds: minSeconds + d.whole(60),
      factor: 1 + d.whole(3),
      jitter: d.pick([0, 0, 0.5, 1]),
    };
  }
  return settings;
}

/** Work that breaks off in the middle, and that nobody comes by to clear up. */
const forsakenRates: Plan['rates'] = {
  ...noFaults.rates,
  kill: 0.02,
  halfDone: 0.5,
  throttled: 0.1,
  lostReply: 0.05,
  conflict: 0.02,
};

/** None, one kind often, or all kinds: alone a fault strikes where all at once would stop the call before. */
function drawRates(d: Drawing): Plan['rates'] {
  if (d.chance(0.05)) return noFaults.rates;
  const { rates } = manyFaults;
  const names = Object.keys(rates) as Fault[];
  if (d.chance(0.4)) {
    const often = new Set(Array.from({ length: 1 + d.whole(2) }, () => d.pick(names)));
    const rate = (name: Fault) => (often.has(name) ? Math.min(0.3, 3 * rates[name]) : 0);
    return Object.fromEntries(names.map((name) => [name, rate(name)])) as Plan['rates'];
  }
  const level = d.pick([0.3, 1, 1, 2]);
  return Object.fromEntries(names.map((name) => [name, rates[name] * level])) as Plan['rates'];
}

interface Cast {
  index: number;
  theme: Partial<Record<Step['do'], number>>;
  pace: number;
  queues: readonly PlannedQueue[];
  next: () => number;
}

const within = (d: Drawing, ms: number) => Math.round((2 * d.random.number() - 1) * ms);

function drawProcess(d: Drawing, cast: Cast): PlannedProcess {
  const steps: Step[] = [];
  const count = 3 + d.whole(9);
  // The first has something to publish: a history without messages says little.
  if (cast.index === 0) steps.push(drawStep(d, cast, 'publish'));
  for (let i = 0; i < count; i++) {
    if (d.chance(0.6)) steps.push({ do: 'wait', ms: Math.round(cast.pace * d.random.number() ** 2) });
    steps.push(drawStep(d, cast, drawKind(d, cast.theme)));
  }
  return { name: `p${cast.index + 1}`, skewMs: d.chance(0.5) ? 0 : within(d, skewMsMax), steps };
}

function drawKind(d: Drawing, theme: Cast['theme']): Step['do'] {
  const kinds = Object.entries(theme) as [Step['do'], number][];
  let at = d.random.number() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of kinds) {
    at -= weight;
    if (at < 0) return kind;
  }
  return kinds[0]![0];
}

const choices: readonly Choice[] = ['all', 'all', 'all', 'one', 'some', 'used'];

function drawStep(d: Drawing, cast: Cast, kind: Step['do']): Step {
  const main = cast.queues.some(({ name }) => name === 'dead') && d.chance(0.75) ? 'work' : d.pick(cast.queues).name;
  const aside = d.chance(0.2) ? { aside: true } : {};
  const seconds = () => d.pick([1, 1 + d.whole(10), 1 + d.whole(100)]);
  switch (kind) {
    case 'publish':
      return { do: kind, queue: d.chance(0.9) && main === 'dead' ? 'work' : main, messages: drawMessages(d, cast), ...aside };
    case 'receive':
      return {
        do: kind,
        queue: main,
        max: d.pick([1, 1, 2, 3, 10, 20]),
        ...(d.chance(0.5) ? {} : { visibilityTimeoutSeconds: d.chance(0.05) ? 0 : seconds() }),
        ...(d.chance(0.15) ? { waitSeconds: 1 + d.whole(10) } : {}),
        ...aside,
      };
    case 'ack':
      return { do: kind, which: d.pick(choices), ...aside };
    case 'release':
      return {
        do: kind,
        which: d.pick(choices),
        ...(d.chance(0.4) ? { delaySeconds: d.chance(0.3) ? 0 : seconds() } : {}),
        ...(d.chance(0.5) ? { failed: d.pick(['no disk', 'no net']) } : {}),
        ...aside,
      };
    case 'extend':
      return { do: kind, which: d.pick(choices), ...(d.chance(0.7) ? { visibilityTimeoutSeconds: seconds() } : {}), ...aside };
    case 'purge':
      return { do: kind, queue: main, ...aside };
    case 'redrive': {
      const from = d.chance(0.75) && cast.queues.some(({ name }) => name === 'dead') ? 'dead' : main;
      const others = cast.queues.map(({ name }) => name).filter((name) => name !== from);
      const toQueue = others.length > 0 && d.chance(from === 'dead' ? 0.3 : 0.9) ? { toQueue: d.pick(others) } : {};
      const slow = d.chance(0.2) ? { ratePerSecond: 1 + d.whole(5) } : {};
      return { do: kind, queue: from, ...toQueue, ...(d.chance(0.3) ? { onlySome: true } : {}), ...slow, ...aside };
    }
    case 'read':
      return { do: kind, queue: main, how: d.pick(['peek', 'counts', 'message'] as const), ...aside };
    case 'update':
      return { do: kind, queue: main, settings: drawSettings(d, cast.pace) };
    case 'remake':
      return { do: kind, queue: 'work' };
    case 'setClock':
      return { do: kind, skewMs: within(d, skewMsMax) };
    case 'loseClock':
      return { do: kind, queue: main, skewMs: d.pick([-1, 1]) * (clockMarginMs + 1 + d.whole(5 * minuteMs)) };
    case 'sweep':
      return { do: kind, ...aside };
    case 'wait':
      return { do: kind, ms: Math.round(d.random.number() * cast.pace) };
    default:
      return { do: kind };
  }
}

function drawMessages(d: Drawing, { next }: Cast): PlannedMessage[] {
  const count = d.pick([1, 1, 2, 3, 5, 12]);
  const kind = d.random.number();
  return Array.from({ length: count }, (): PlannedMessage => {
    const message: PlannedMessage = { number: next(), chars: d.chance(0.12) ? 1200 : 0 };
    if (kind < 0.2) message.id = `own-${d.whole(4)}`;
    if ((kind < 0.1 || kind > 0.8) && d.chance(0.7)) message.delaySeconds = d.chance(0.2) ? 0 : 1 + d.whole(30);
    return message;
  });
}
