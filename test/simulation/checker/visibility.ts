/** The earliest and the latest instant at which a message becomes visible again, by the answers that its receivers had. */
import type { Backoff } from '../../../contract/contract.ts';
import { mayBePutOff, releasesOf } from './by-id.ts';
import type { Act, Delivery, Ledger } from './ledger.ts';
import { type CallOf, endOf } from './outcomes.ts';

export interface Visible {
  /** By the clock of the queue, ms. */
  at: number;
  /** What keeps it invisible until then. */
  by: 'lease' | 'backoff' | 'release' | 'nothing';
  acts: Act[];
}

export const isDone = (act: Act) => act.outcome !== 'uncertain' && 'done' in act.outcome;

/** After `delivery`, for a call that ended at `before`. Calls that began later cannot matter. */
export function earliestVisible(ledger: Ledger, delivery: Delivery, before: number): Visible {
  const { clockErrorMs, queues } = ledger;
  const acts = delivery.acts.filter(({ call }) => call.startedAt <= before);
  // A redrive, or a change of the due time, overrides a delay or backoff, but not a lease.
  const isPutOff = mayBePutOff(ledger, delivery.life, before);
  const mayBeMoved = isPutOff || queues.redrives(delivery.queue, before).length > 0;
  for (const act of acts) {
    if (act.operation !== 'release' || act.outcome === 'uncertain' || !('done' in act.outcome)) continue;
    const answer = act.outcome.done;
    if (mayBeMoved || 'deadLettered' in answer) return { at: Number.NEGATIVE_INFINITY, by: 'nothing', acts: [act] };
    return { at: Date.parse(answer.visibleAt), by: 'release', acts: [act] };
  }
  const end = leaseEnd(ledger, delivery, before);
  const wait = mayBeMoved || mayBeZeroLease(ledger, delivery) ? 0 : backoffMsLeast(ledger, delivery);
  let earliest: Visible = { at: end + wait, by: wait > 0 ? 'backoff' : 'lease', acts };
  // After its last receive, it is dead-lettered at once.
  const mayDie = queues
    .settings(delivery.queue)
    .some(({ deadLetter }) => deadLetter && delivery.message.receives >= deadLetter.maxReceives);
  const releasedAt = ({ startedAt, input }: CallOf<'release' | 'releaseMessage'>) =>
    startedAt - clockErrorMs + (mayBeMoved || mayDie ? 0 : (input.delaySeconds ?? 0) * 1000);
  for (const act of acts) {
    if (act.operation !== 'release' || act.outcome !== 'uncertain') continue;
    const at = releasedAt(act.call);
    if (at < earliest.at) earliest = { at, by: 'release', acts: [act] };
  }
  for (const call of releasesOf(ledger, delivery, before)) {
    const at = releasedAt(call);
    if (at < earliest.at) earliest = { at, by: 'release', acts: [] };
  }
  return earliest;
}

/**
 * The earliest possible end of the lease by the queue's clock. Considers extends that began by `before`. Those that were answered by
 * `answeredBy` have certainly been applied.
 */
export function leaseEnd(ledger: Ledger, delivery: Delivery, before: number, answeredBy = Number.POSITIVE_INFINITY): number {
  interface Setting {
    startedAt: number;
    endedAt: number;
    until: number;
    certain: boolean;
  }
  const settings: Setting[] = [
    {
      startedAt: delivery.startedAt,
      endedAt: delivery.endedAt,
      until: Date.parse(delivery.message.leasedUntil),
      certain: true,
    },
  ];
  for (const { operation, call, outcome } of delivery.acts) {
    if (operation !== 'extend' || call.startedAt > before) continue;
    const { startedAt } = call;
    if (outcome === 'uncertain') {
      const seconds = call.input.visibilityTimeoutSeconds ?? leastVisibilitySeconds(ledger, delivery.queue);
      const until = startedAt - ledger.clockErrorMs + seconds * 1000;
      settings.push({ startedAt, endedAt: Number.POSITIVE_INFINITY, until, certain: false });
    } else if ('done' in outcome) {
      const endedAt = endOf(call);
      settings.push({ startedAt, endedAt, until: Date.parse(outcome.done.leasedUntil), certain: endedAt <= answeredBy });
    }
  }
  // An extend that certainly came after another one replaced its end.
  const standing = settings.filter((one) => !settings.some((later) => later.certain && later.startedAt > one.endedAt));
  return Math.min(...standing.map(({ until }) => until));
}

/** The latest possible end of the lease and of the backoff after it. Until then, receives need not find the message. */
export function latestVisible(ledger: Ledger, delivery: Delivery): number {
  let latest = Date.parse(delivery.message.leasedUntil);
  for (const { operation, call, outcome } of delivery.acts) {
    if (operation === 'ack') continue;
    if (operation === 'release' && outcome !== 'uncertain' && 'done' in outcome) {
      if ('visibleAt' in outcome.done) return Date.parse(outcome.done.visibleAt);
      return Number.NEGATIVE_INFINITY;
    }
    if (outcome === 'uncertain') {
      const end = call.endedAt ?? call.startedAt;
      const seconds = operation === 'extend' ? call.input.visibilityTimeoutSeconds : call.input.delaySeconds;
      const wait = seconds ?? Math.max(0, ...ledger.queues.settings(delivery.queue).map((one) => one.visibilityTimeoutSeconds));
      latest = Math.max(latest, end + ledger.clockErrorMs + wait * 1000);
    } else if (operation === 'extend' && 'done' in outcome) {
      latest = Math.max(latest, Date.parse(outcome.done.leasedUntil));
    }
  }
  for (const { startedAt, endedAt = startedAt, input } of releasesOf(ledger, delivery)) {
    latest = Math.max(latest, endedAt + ledger.clockErrorMs + (input.delaySeconds ?? 0) * 1000);
  }
  const waits = ledger.queues.settings(delivery.queue).map(({ backoff }) => (backoff ? backoff.maxSeconds * 1000 : 0));
  return latest + Math.max(0, ...waits);
}

const leastVisibilitySeconds = (ledger: Ledger, queue: string) =>
  least(ledger.queues.settings(queue).map((settings) => settings.visibilityTimeoutSeconds));

/** 0 if no settings are known. */
const least = (values: readonly number[]) => (values.length === 0 ? 0 : Math.min(...values));

/** Whether a receive or an extend may have set the lease to 0 s. No backoff follows that. */
function mayBeZeroLease({ queues }: Ledger, { queue, call, acts }: Delivery): boolean {
  const seconds = [call.input, ...acts.flatMap((act) => (act.operation === 'extend' ? [act.call.input] : []))].map(
    (input) => input.visibilityTimeoutSeconds,
  );
  if (seconds.includes(0)) return true;
  return seconds.includes(undefined) && queues.settings(queue).some((one) => one.visibilityTimeoutSeconds === 0);
}

/** The shortest backoff after an expired lease. 0 after the last receive, because the message is dead-lettered at once. */
function backoffMsLeast(ledger: Ledger, { queue, message }: Delivery): number {
  return least(
    ledger.queues.settings(queue).map(({ backoff, deadLetter }) => {
      if (!backoff || (deadLetter && message.receives >= deadLetter.maxReceives)) return 0;
      return Math.floor(waitMsLeast(backoff, message.failures + 1));
    }),
  );
}

/** One failure after the other, as a user would reckon: the queue's own formula must not judge itself. */
function waitMsLeast({ minSeconds, maxSeconds, factor, jitter }: Backoff, failures: number): number {
  let seconds = minSeconds;
  for (let failure = 1; failure < failures && seconds > 0 && seconds < maxSeconds && factor > 1; failure++) seconds *= factor;
  return Math.min(seconds, maxSeconds) * 1000 * (1 - jitter);
}
