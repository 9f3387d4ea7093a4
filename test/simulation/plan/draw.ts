/** Draws a plan from a seed. Theme, pace and faults vary, so that a few hundred histories cover all kinds. Start here; plan.ts has the types. */

import type { QueueSettings } from '../../../contract/contract.ts';
import { tombstoneMs } from '../../../contract/limits.ts';
import { seededRandom } from '../../../engine/port/random.ts';
import { type Fault, manyFaults, noFaults } from '../../../engine/simulation/faulty-store.ts';
import { drawDeduplication, drawKeyed } from './draw-keys.ts';
import { drawIdempotency, drawOwnIds } from './draw-own-ids.ts';
import { drawPrepared, drawPreparedSettings } from './draw-prepared.ts';
import { drawKeep, drawLimits, drawOrderedGroups, drawQueues } from './draw-queues.ts';
import { drawProcess, type ProcessOptions } from './draw-steps.ts';
import { drawTopics, type TopicFlavour } from './draw-topics.ts';
import { type Drawing, drawing, minuteMs, secondMs } from './drawing.ts';
import type { Plan, Step } from './plan.ts';

const hourMs = 60 * minuteMs;

/** The longest wait between two steps. */
const paces = [50, 2 * secondMs, 20 * secondMs, 3 * minuteMs, 40 * minuteMs];

/** The theme of a history gives the weight of each kind of step. */
const themes: Record<string, Partial<Record<Step['do'], number>>> = {
  work: { publish: 4, receive: 6, ack: 5, release: 1, extend: 1, read: 1, die: 0.5, sweep: 0.5 },
  batches: { publish: 2, receive: 7, ack: 7, release: 3, extend: 1, die: 0.5 },
  failing: { publish: 2, receive: 7, ack: 1, release: 5, extend: 1, die: 1, sweep: 1, redrive: 1 },
  redriving: { publish: 3, receive: 5, ack: 1, release: 3, redrive: 3, cancelRedrive: 0.5, sweep: 1, read: 1, purge: 0.3 },
  purging: { publish: 5, receive: 5, ack: 2, release: 1, purge: 2, sweep: 2, read: 1 },
  ageing: { publish: 4, receive: 4, ack: 2, release: 2, sweep: 3, extend: 0.5, read: 1 },
  clocks: { publish: 4, receive: 6, ack: 3, release: 1, setClock: 3, loseClock: 2, purge: 0.5 },
  changing: { publish: 4, receive: 5, ack: 3, release: 2, update: 1, remake: 0.3, read: 1, sweep: 1 },
  idling: { publish: 4, receive: 2, ack: 2, sweep: 4, read: 1 },
  records: { publish: 4, receive: 6, ack: 3, release: 1, releaseById: 3, cancel: 3, change: 4, read: 1, sweep: 1, die: 0.5 },
  groups: {
    publish: 6,
    receive: 8,
    ack: 6,
    release: 2,
    extend: 0.5,
    cancel: 1,
    releaseById: 1,
    read: 1,
    sweep: 0.5,
    die: 0.7,
    purge: 0.2,
    update: 0.3,
    redrive: 0.7,
  },
  burying: {
    publish: 5,
    receive: 9,
    ack: 3,
    release: 6,
    extend: 0.3,
    redrive: 1,
    cancelRedrive: 0.2,
    cancel: 0.7,
    sweep: 1,
    purge: 0.2,
    die: 0.7,
    read: 0.7,
  },
  pausing: { publish: 4, receive: 7, ack: 3, update: 3, sweep: 1 },
  keeping: { publish: 4, receive: 8, ack: 7, look: 5, release: 1, cancel: 1.5, purge: 0.2, update: 0.2, sweep: 0.5, die: 0.3 },
  replacing: { publish: 4, replace: 7, receive: 7, ack: 3, release: 1, cancel: 1, sweep: 0.5, die: 0.5, purge: 0.1, update: 0.1 },
  keys: {
    publish: 8,
    receive: 6,
    ack: 5,
    release: 1.5,
    cancel: 0.7,
    change: 0.5,
    purge: 0.3,
    redrive: 0.3,
    update: 0.2,
    sweep: 1,
    die: 0.5,
    read: 0.3,
  },
  preparing: {
    publish: 5,
    decide: 7,
    receive: 5,
    ack: 4,
    release: 0.5,
    cancel: 0.4,
    sweep: 2,
    purge: 0.2,
    update: 0.2,
    die: 0.6,
    read: 0.5,
  },
  scheduling: {
    schedule: 2,
    reschedule: 3,
    unschedule: 0.7,
    remake: 0.3,
    publish: 1,
    receive: 6,
    ack: 5,
    release: 0.5,
    sweep: 2,
    purge: 0.2,
    setClock: 1,
    die: 0.5,
    read: 0.3,
  },
  limiting: { publish: 3, receive: 9, ack: 4, release: 1, releaseById: 1, extend: 2, update: 0.2, die: 0.7, sweep: 0.3 },
  transacting: {
    publish: 1,
    transact: 7,
    receive: 8,
    ack: 1,
    release: 1,
    extend: 0.5,
    cancel: 0.2,
    purge: 0.1,
    sweep: 0.5,
    die: 0.4,
  },
  abandoned: { publish: 1, receive: 3, ack: 3, release: 0.5 },
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
    cancel: 0.5,
    replace: 0.4,
    change: 0.5,
    read: 1,
    die: 0.5,
    setClock: 0.5,
    loseClock: 0.2,
    update: 0.2,
  },
};

const topicWork = {
  publishToTopic: 6,
  subscribe: 2,
  unsubscribe: 1,
  changeTerms: 1,
  receive: 8,
  ack: 5,
  release: 1,
  extend: 0.5,
  sweep: 1,
  die: 0.6,
  purge: 0.2,
  remakeTopic: 0.4,
  update: 0.2,
  publish: 0.5,
  transact: 1.5,
  read: 0.3,
  setClock: 0.4,
};

/** The themes of histories with topics. */
const topicThemes: Record<TopicFlavour, Partial<Record<Step['do'], number>>> = {
  plain: { ...topicWork, redrive: 0.4, cancel: 0.3, change: 0.3 },
  keyed: { ...topicWork, cancel: 0.3 },
  prepared: { ...topicWork, decidePublication: 6 },
  wide: { ...topicWork, subscribe: 0.5, unsubscribe: 1, remakeTopic: 0.1, purge: 0, sweep: 0.3 },
};

/** One history in so many has topics. */
const topicsEvery = 10;

/** What a theme fixes. Otherwise it is drawn. */
interface ThemeOptions {
  rates?: Plan['rates'];
  pace?: number;
  pauseMsMax?: number;
  /** The share of queues that start with several shards. */
  sharded?: number;
  processes?: number;
  /** The share of publishes with a group. */
  grouped?: number;
  /** Draws settings that only its queues have. Some updates draw them again. */
  themeSettings?: (d: Drawing) => Partial<QueueSettings>;
  /** The share of acks with a result. */
  results?: number;
  /** The share of bodies that are offloaded. */
  large?: number;
  entries?: ProcessOptions['entries'];
  /** No sweep runs. */
  unswept?: true;
  /** Sweeps always run. */
  swept?: true;
  /** No queue has a dead-letter queue. */
  undying?: true;
}

const themeOptions: Record<string, ThemeOptions> = {
  groups: { grouped: 0.85 },
  redriving: { grouped: 0.35 },
  burying: { grouped: 0.9, themeSettings: drawOrderedGroups },
  keys: { themeSettings: drawDeduplication, entries: drawKeyed },
  replacing: { themeSettings: drawIdempotency, entries: drawOwnIds },
  scheduling: { pace: 1.5 * minuteMs, swept: true },
  preparing: { themeSettings: drawPreparedSettings, entries: drawPrepared, swept: true },
  keeping: { grouped: 0.2, themeSettings: drawKeep, results: 0.6, large: 0.3 },
  limiting: { themeSettings: drawLimits },
  transacting: { swept: true },
  // A publish that its process has left is carried on by a sweep.
  'topics: plain': { swept: true },
  'topics: keyed': { swept: true, undying: true },
  'topics: prepared': { swept: true },
  'topics: wide': { swept: true, pace: 20 * secondMs },
  // Processes die in the middle of their work.
  abandoned: {
    rates: { ...noFaults.rates, kill: 0.02, halfDone: 0.5, throttled: 0.1, lostReply: 0.05, conflict: 0.02 },
    processes: 2,
    unswept: true,
  },
  // Shards are retired and forgotten while a request is in progress or a process is paused.
  idling: {
    rates: { ...noFaults.rates, pause: 0.02, late: 0.15, duplicated: 0.05 },
    pace: 20 * minuteMs,
    pauseMsMax: 2 * hourMs,
    sharded: 1,
  },
};

export function drawPlan(seed: number): Plan {
  const d = drawing(seededRandom(seed));
  // The first numbers of neighbouring seeds are similar.
  for (let i = 0; i < 8; i++) d.random.number();
  // Not drawn, so that the other histories do not depend on how often there are topics.
  const flavour = seed % topicsEvery === 0 ? drawFlavour(d) : undefined;
  const about = flavour ? `topics: ${flavour}` : d.pick(Object.keys(themes));
  const theme = flavour ? topicThemes[flavour] : themes[about]!;
  const fixed = themeOptions[about];
  const pace = fixed?.pace ?? d.pick(paces);
  const queues = drawQueues(d, pace, fixed?.sharded ?? 0.3);
  if (fixed?.undying) for (const { settings } of queues) delete settings.deadLetter;
  const { themeSettings, results = 0, large = 0.12 } = fixed ?? {};
  if (themeSettings) for (const { settings } of queues) Object.assign(settings, themeSettings(d));
  let numbers = 0;
  const next = () => ++numbers;
  const topics = flavour ? drawTopics(d, pace, flavour, queues) : [];
  const count = fixed?.processes ?? 2 + d.whole(4);
  const processes = Array.from({ length: count }, (_, index) =>
    drawProcess(d, {
      index,
      theme,
      pace,
      queues,
      grouped: fixed?.grouped ?? 0.1,
      results,
      large,
      ...(themeSettings && { themeSettings }),
      entries: fixed?.entries,
      next,
      topics: flavour && { flavour, topics, queues, grouped: 0.2, large, next },
    }),
  );
  const rates = fixed?.rates ?? drawRates(d);
  // Late requests are handled by the sweep, which must run within the hour of a tombstone.
  const needsSweep = fixed?.swept || rates.late + rates.duplicated > 0;
  return {
    seed,
    queues,
    topics,
    processes,
    rates,
    pauseMsMax: fixed?.pauseMsMax ?? d.pick([2 * secondMs, 10 * secondMs, minuteMs, 5 * minuteMs, 2 * hourMs]),
    sweepMs: fixed?.unswept || (!needsSweep && d.chance(0.6)) ? undefined : Math.max(5 * secondMs, Math.min(pace, 4 * minuteMs)),
    silenceMs: fixed?.unswept || (!needsSweep && d.chance(0.5)) ? tombstoneMs + minuteMs : 0,
    ttlActs: d.chance(0.7),
  };
}

/** Wide ones take long. */
function drawFlavour(d: Drawing): TopicFlavour {
  if (d.chance(0.03)) return 'wide';
  return d.pick(['plain', 'plain', 'keyed', 'keyed', 'prepared']);
}

/** None, one or two kinds often, or all kinds. A single kind reaches code that a mix of faults would not. */
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
