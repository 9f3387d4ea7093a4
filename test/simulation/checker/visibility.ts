/** The earliest instant at which a message may be delivered again, by what was answered to whoever had it. */
import type { Backoff } from '../../../contract/contract.ts';
import { mayBePutOff } from './by-id.ts';
import type { Act, Delivery, Ledger } from './ledger.ts';
import { endOf } from './outcomes.ts';

export interface Visible {
  /** By the clocks of the queue, ms. */
  at: number;
  /** What hides it until then. */
  by: 'lease' | 'backoff' | 'release' | 'nothing';
  acts: Act[];
}

export const isDone = (act: Act) => act.outcome !== 'uncertain' && 'done' in act.outcome;

/** After `delivery`, seen from a call that ended at `before`: what began later cannot have had a part in it. */
export function earliestVisible(ledger: Ledger, delivery: Delivery, before: number): Visible {
  const { clockErrorMs, queues } = ledger;
  const acts = delivery.acts.filter(({ call }) => call.startedAt <= before);
  // A redrive moves what waits, however long it was to wait; so does a change of its time; a lease they leave alone.
  const isPutOff = mayBePutOff(ledger, delivery.life, before);
  const mayBeMoved = isPutOff || queues.redrives(delivery.queue, before).length > 0;
  for (const act of acts) {
    if (act.operation !== 'release' || act.outcome === 'uncertain' || !('done' in act.outcome)) continue;
    const answer = act.outcome.done;
    if (mayBeMoved || 'deadLettered' in answer) return { at: Number.NEGATIVE_INFINITY, by: 'nothing', acts: [act] };
    return { at: Date.parse(answer.visibleAt), by: 'release', acts: [act] };
  }
  const end = leaseEnd(ledger, delivery, before);
  const wait = mayBeMoved || mayBeForNoTime(ledger, delivery) ? 0 : backoffMsLeast(ledger, delivery);
  let earliest: Visible = { at: end + wait, by: wait > 0 ? 'backoff' : 'lease', acts };
  for (const act of acts) {
    if (act.operation !== 'release' || act.outcome !== 'uncertain') continue;
    // With its last receive it dies at once.
    const mayDie = queues
      .settings(delivery.queue)
      .some(({ deadLetter }) => deadLetter && delivery.message.receives >= deadLetter.maxReceives);
    const delay = mayBeMoved || mayDie ? 0 : (act.call.input.delaySeconds ?? 0) * 1000;
    const at = act.call.startedAt - clockErrorMs + delay;
    if (at < earliest.at) earliest = { at, by: 'release', acts: [act] };
  }
  return earliest;
}

/**
 * The earliest end of the lease by what may have been applied of the extensions, by the queue's clocks: of those that began by `before`,
 * of which those have surely been applied that were answered by `answeredBy`.
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
  // One that surely came after another took its place.
  const standing = settings.filter((one) => !settings.some((later) => later.certain && later.startedAt > one.endedAt));
  return Math.min(...standing.map(({ until }) => until));
}

/** The latest end that the lease may have, and the latest wait after it: until then nobody need find the message. */
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
  const waits = ledger.queues.settings(delivery.queue).map(({ backoff }) => (backoff ? backoff.maxSeconds * 1000 : 0));
  return latest + Math.max(0, ...waits);
}

const leastVisibilitySeconds = (ledger: Ledger, queue: string) =>
  least(ledger.queues.settings(queue).map((settings) => settings.visibilityTimeoutSeconds));

/** No settings are known: nothing can be asked of them. */
const least = (values: readonly number[]) => (values.length === 0 ? 0 : Math.min(...values));

/** Whether its lease may have been one of no time, by its receive or an extend: no backoff follows that. */
function mayBeForNoTime({ queues }: Ledger, { queue, call, acts }: Delivery): boolean {
  const seconds = [call.input, ...acts.flatMap((act) => (act.operation === 'extend' ? [act.call.input] : []))].map(
    (input) => input.visibilityTimeoutSeconds,
  );
  if (seconds.includes(0)) return true;
  return seconds.includes(undefined) && queues.settings(queue).some((one) => one.visibilityTimeoutSeconds === 0);
}

/** What a message waits at least after a lease that nobody gave back; 0 where it was its last receive, for then it dies at once. */
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
