/** Draws the queues of a plan, and their settings. */
import type { QueueSettings } from '../../../contract/contract.ts';
import { type Drawing, daySeconds, secondMs } from './drawing.ts';
import type { PlannedQueue } from './plan.ts';

/** `sharded`: the share of queues that start with several shards. */
export function drawQueues(d: Drawing, pace: number, sharded: number): PlannedQueue[] {
  const queues: PlannedQueue[] = [];
  const add = (name: string, settings: Partial<QueueSettings>) =>
    queues.push({ name, settings, shards: d.chance(sharded) ? 2 + d.whole(3) : 1 });
  const hasDead = d.chance(0.6);
  if (hasDead) add('dead', drawDeadSettings(d, pace));
  const deadLetter = { queue: 'dead', maxReceives: 1 + d.whole(3) };
  add('work', { ...drawSettings(d, pace), ...(hasDead ? { deadLetter } : {}) });
  if (d.chance(0.25)) add('more', drawSettings(d, pace));
  return queues;
}

/** Half of the dead-letter queues keep dead letters in their groups, most of them in strict order. */
function drawDeadSettings(d: Drawing, pace: number): Partial<QueueSettings> {
  const settings = drawSettings(d, pace);
  if (d.chance(0.5)) return settings;
  const [concurrency, onFailure] = d.chance(0.7) ? [1, 'block' as const] : [d.pick([1, 2]), d.pick(['block', 'aside'] as const)];
  return { ...settings, groups: { concurrency, onFailure, ratePerSecond: null, deadLetters: 'ordered' } };
}

/** Groups in strict order, for dead letters too. */
export function drawOrderedGroups(): Partial<QueueSettings> {
  return { groups: { concurrency: 1, onFailure: 'block', ratePerSecond: null, deadLetters: 'ordered' } };
}

export function drawSettings(d: Drawing, pace: number): Partial<QueueSettings> {
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
  } else settings.backoff = null;
  if (d.chance(0.15)) settings.priority = { levels: 2 + d.whole(2), order: d.pick(['strict', 'weighted']) };
  if (d.chance(0.15)) {
    settings.groups = {
      concurrency: d.pick([1, 1, 2]),
      onFailure: d.pick(['block', 'aside']),
      ratePerSecond: null,
      deadLetters: 'apart',
    };
  }
  return settings;
}

/** How long a queue keeps ended messages. Some keep them longer than offloaded bodies last by default. */
export function drawKeep(d: Drawing): Partial<QueueSettings> {
  const seconds = () => d.pick([60, 2 * 3600, 60 * daySeconds, 60 * daySeconds]);
  return { keep: { doneSeconds: d.chance(0.1) ? 0 : seconds(), deadSeconds: d.chance(0.2) ? 0 : seconds() } };
}

export function drawLimits(d: Drawing): Partial<QueueSettings> {
  const kind = d.random.number();
  const concurrency = kind < 0.75 ? d.pick([1, 1, 2, 3]) : null;
  const ratePerSecond = kind > 0.6 ? d.pick([0.2, 0.5, 1, 3]) : null;
  return { limits: { concurrency, ratePerSecond } };
}
