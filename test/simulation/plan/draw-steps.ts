/** Draws the steps of the processes of a plan. */
import type { QueueSettings } from '../../../contract/contract.ts';
import { clockMarginMs } from '../../../contract/limits.ts';
import { drawOwn } from './draw-own-ids.ts';
import { drawSettings } from './draw-queues.ts';
import { drawSchedule, drawScheduleChange, drawScheduleName } from './draw-schedules.ts';
import { drawTopicMessages, drawTopicStep, isTopicStep, ownedQueues, type TopicOptions } from './draw-topics.ts';
import { drawInstant, drawWait } from './draw-waits.ts';
import { type Drawing, minuteMs } from './drawing.ts';
import type { Choice, PlannedMessage, PlannedProcess, PlannedQueue, Step } from './plan.ts';

/** Clocks show whole milliseconds. */
const skewMsMax = clockMarginMs - 1;

export interface ProcessOptions {
  index: number;
  theme: Partial<Record<Step['do'], number>>;
  pace: number;
  queues: readonly PlannedQueue[];
  /** The share of publishes with a group. */
  grouped: number;
  /** The share of acks with a result. */
  results: number;
  /** The share of bodies that are offloaded. */
  large: number;
  /** Draws the settings that the theme adds to its queues. */
  themeSettings?: (d: Drawing) => Partial<QueueSettings>;
  /** Draws most messages of the theme. Default: as for other themes. */
  entries?: ((d: Drawing, next: () => number, queue: string) => PlannedMessage[]) | undefined;
  next: () => number;
  topics?: TopicOptions | undefined;
}

const within = (d: Drawing, ms: number) => Math.round((2 * d.random.number() - 1) * ms);

export function drawProcess(d: Drawing, options: ProcessOptions): PlannedProcess {
  const steps: Step[] = [];
  const count = 3 + d.whole(9);
  // The first process always publishes: a history without messages tests little.
  if (options.index === 0) steps.push(drawStep(d, options, 'publish'));
  for (let i = 0; i < count; i++) {
    if (d.chance(0.6)) steps.push({ do: 'wait', ms: Math.round(options.pace * d.random.number() ** 2) });
    steps.push(drawStep(d, options, drawKind(d, options.theme)));
  }
  return { name: `p${options.index + 1}`, skewMs: d.chance(0.5) ? 0 : within(d, skewMsMax), steps };
}

function drawKind(d: Drawing, theme: ProcessOptions['theme']): Step['do'] {
  const kinds = Object.entries(theme) as [Step['do'], number][];
  let at = d.random.number() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of kinds) {
    at -= weight;
    if (at < 0) return kind;
  }
  return kinds[0]![0];
}

const choices: readonly Choice[] = ['all', 'all', 'all', 'one', 'some', 'used'];

function drawStep(d: Drawing, options: ProcessOptions, kind: Step['do']): Step {
  const main = drawQueue(d, options, kind);
  const concurrent = d.chance(0.2) ? { concurrent: true } : {};
  const seconds = () => d.pick([1, 1 + d.whole(10), 1 + d.whole(100)]);
  switch (kind) {
    case 'publish': {
      const queue = d.chance(0.9) && main === 'dead' ? 'work' : main;
      return { do: kind, queue, messages: drawMessages(d, options, queue), ...concurrent };
    }
    case 'receive':
      return {
        do: kind,
        queue: main,
        max: d.pick([1, 1, 2, 3, 10, 20]),
        ...(d.chance(0.5) ? {} : { visibilityTimeoutSeconds: d.chance(0.05) ? 0 : seconds() }),
        ...(d.chance(0.15) ? { waitSeconds: 1 + d.whole(10) } : {}),
        // Of two concurrent receives with one attempt id, either may be the one that is repeated.
        ...(d.chance(0.25) ? { attempt: d.whole(2) } : concurrent),
      };
    case 'ack':
      return {
        do: kind,
        which: d.pick(choices),
        ...(d.chance(options.results) ? { result: { number: options.next(), chars: d.chance(0.3) ? 1200 : 0 } } : {}),
        ...concurrent,
      };
    case 'look':
      return { do: kind, ...(d.chance(0.1) ? { waitSeconds: 1 + d.whole(3) } : {}), ...concurrent };
    case 'release':
      return {
        do: kind,
        which: d.pick(choices),
        ...(d.chance(0.4) ? { delaySeconds: d.chance(0.3) ? 0 : seconds() } : d.chance(0.2) ? { deadLetter: true } : {}),
        ...(d.chance(0.5) ? { failed: d.pick(['no disk', 'no net']) } : {}),
        ...concurrent,
      };
    case 'extend':
      return {
        do: kind,
        which: d.pick(choices),
        ...(d.chance(0.7) ? { visibilityTimeoutSeconds: seconds() } : {}),
        ...concurrent,
      };
    case 'purge':
      return { do: kind, queue: main, ...concurrent };
    case 'redrive': {
      // Elsewhere, the checker could not tell the copies of one message apart.
      if (options.topics) return { do: kind, queue: 'dead', ...concurrent };
      const from = d.chance(0.75) && options.queues.some(({ name }) => name === 'dead') ? 'dead' : main;
      const others = options.queues.map(({ name }) => name).filter((name) => name !== from);
      const toQueue = others.length > 0 && d.chance(from === 'dead' ? 0.3 : 0.9) ? { toQueue: d.pick(others) } : {};
      const slow = d.chance(0.2) ? { ratePerSecond: 1 + d.whole(5) } : {};
      return { do: kind, queue: from, ...toQueue, ...(d.chance(0.3) ? { onlySome: true } : {}), ...slow, ...concurrent };
    }
    case 'read':
      return { do: kind, queue: main, how: d.pick(['peek', 'counts', 'message'] as const), ...concurrent };
    case 'update':
      return { do: kind, queue: main, settings: drawUpdate(d, options) };
    case 'cancel':
      return { do: kind, ...(d.chance(0.5) ? { force: true } : {}), ...concurrent };
    case 'releaseById':
      return {
        do: kind,
        ...(d.chance(0.4) ? { delaySeconds: d.chance(0.3) ? 0 : seconds() } : {}),
        ...(d.chance(0.4) ? { named: true } : {}),
        ...concurrent,
      };
    case 'replace':
      return { do: kind, ...(d.chance(0.6) ? { force: true } : {}), message: drawOwn(d, options.next), ...concurrent };
    case 'change':
      return { do: kind, ...drawChange(d, options, seconds), ...concurrent };
    case 'schedule':
      return { do: kind, ...drawSchedule(d, options.queues, options.next), ...concurrent };
    case 'reschedule':
      return { do: kind, name: drawScheduleName(d), change: drawScheduleChange(d, options.next), ...concurrent };
    case 'unschedule':
      return { do: kind, name: drawScheduleName(d), ...concurrent };
    case 'decide':
      return { do: kind, decision: d.chance(0.7) ? 'commit' : 'rollback', ...concurrent };
    case 'remake':
      return { do: kind, queue: 'work' };
    case 'transact':
      return { do: kind, ...drawTransaction(d, options, main), ...concurrent };
    case 'setClock':
      return { do: kind, skewMs: within(d, skewMsMax) };
    case 'loseClock':
      return { do: kind, queue: main, skewMs: d.pick([-1, 1]) * (clockMarginMs + 1 + d.whole(5 * minuteMs)) };
    case 'sweep':
      return { do: kind, ...concurrent };
    case 'wait':
      return { do: kind, ms: Math.round(d.random.number() * options.pace) };
    default:
      if (isTopicStep(kind)) return { ...drawTopicStep(d, options.topics!, kind), ...concurrent } as Step;
      return { do: kind };
  }
}

function drawQueue(d: Drawing, { queues, topics }: ProcessOptions, kind: Step['do']): string {
  if (topics && kind !== 'publish' && d.chance(0.8)) return d.pick(ownedQueues(d.pick(topics.topics)));
  return queues.some(({ name }) => name === 'dead') && d.chance(0.75) ? 'work' : d.pick(queues).name;
}

function drawUpdate(d: Drawing, { themeSettings, pace }: ProcessOptions): Partial<QueueSettings> {
  if (themeSettings && d.chance(0.5)) return themeSettings(d);
  return d.chance(0.5) ? { paused: d.chance(0.6) } : drawSettings(d, pace);
}

type Transact = Extract<Step, { do: 'transact' }>;

function drawTransaction(d: Drawing, options: ProcessOptions, queue: string): Omit<Transact, 'do'> {
  const what = d.random.number();
  const acks = what > 0.4;
  // Transactions do not support groups. They reject two entries for one row: a publish and an ack of one own id would be such.
  const messages = () =>
    drawMessages(d, { ...options, grouped: 0 }, queue).map(({ id, ...rest }) =>
      id === undefined || acks ? rest : { ...rest, id },
    );
  return {
    ...(what < 0.6 ? { publish: drawTopicPublish(d, options) ?? { queue, messages: messages().slice(0, 6) } } : {}),
    ...(acks ? { which: d.pick(choices) } : {}),
    when: d.pick(['once', 'once', 'once', 'twice', 'twice', 'never'] as const),
    waitMs: d.chance(0.3) ? Math.round(d.random.number() * Math.min(options.pace, minuteMs)) : 0,
  };
}

/** Into a topic, in plans that have some. Transactions take no groups, no keys and no prepared messages. */
function drawTopicPublish(d: Drawing, { topics }: ProcessOptions): Transact['publish'] {
  if (!topics) return undefined;
  const topic = d.pick(topics.topics);
  const messages = drawTopicMessages(d, { ...topics, grouped: 0 }, { ...topic, preparedTimeoutSeconds: null });
  return { topic: topic.name, messages: messages.slice(0, 6).map(({ dedupKey: _, ...rest }) => rest) };
}

function drawChange(d: Drawing, { next }: ProcessOptions, seconds: () => number): Omit<Extract<Step, { do: 'change' }>, 'do'> {
  const what = d.random.number();
  return {
    ...(what < 0.6 ? (d.chance(0.7) ? { delaySeconds: d.chance(0.4) ? 0 : seconds() } : drawInstant(d)) : {}),
    ...(what > 0.4 && what < 0.9 ? { number: next(), chars: d.chance(0.3) ? 1200 : 0 } : {}),
    ...(what >= 0.9 ? { priority: d.whole(2) } : {}),
  };
}

/** What some messages of groups have. Own ids differ between queues, as in `drawOwnIds`. */
function drawInGroup(d: Drawing, queue: string): Partial<PlannedMessage> {
  return {
    ...(d.chance(0.2) ? { id: `own-${queue}-${d.whole(4)}` } : {}),
    ...(d.chance(0.15) ? drawWait(d) : {}),
  };
}

function drawMessages(d: Drawing, { next, grouped, large, entries }: ProcessOptions, queue: string): PlannedMessage[] {
  if (entries && d.chance(0.85)) return entries(d, next, queue);
  const count = d.pick([1, 1, 2, 3, 5, 12]);
  if (d.chance(grouped)) {
    const group = `group-${d.whole(3)}`;
    return Array.from({ length: count }, () => ({
      number: next(),
      chars: d.chance(large) ? 1200 : 0,
      group,
      ...drawInGroup(d, queue),
    }));
  }
  const priority = d.chance(0.15) ? { priority: d.whole(2) } : {};
  const kind = d.random.number();
  const isDelayed = kind < 0.1 || kind > 0.8;
  const together = isDelayed && d.chance(0.4) ? drawInstant(d) : undefined;
  return Array.from({ length: count }, (): PlannedMessage => {
    const message: PlannedMessage = { number: next(), chars: d.chance(large) ? 1200 : 0, ...priority };
    if (kind < 0.2) message.id = `own-${d.whole(4)}`;
    if (!isDelayed || !d.chance(0.7)) return message;
    return { ...message, ...(together ?? { delaySeconds: d.chance(0.2) ? 0 : 1 + d.whole(30) }) };
  });
}
