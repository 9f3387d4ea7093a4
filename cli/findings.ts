/** What `doctor` finds. Each function examines one thing, and says what to do where it is not well. */
import type { ListedQueue, OwnKey, Schedule, ServerStatus, Target } from '../contract/contract.ts';
import { plural } from '../contract/plural.ts';
import { version } from '../contract/version.ts';

export type Level = 'ok' | 'warn' | 'fail';

export interface Finding {
  level: Level;
  check: string;
  /** What was found; if it is not well, what to do. */
  text: string;
}

const finding = (level: Level) => (check: string, text: string) => ({ level, check, text });
export const ok = finding('ok');
export const warn = finding('warn');
export const fail = finding('fail');

const minuteMs = 60_000;
/** AWS refuses requests whose signature is further from its clock. */
const clockMsMax = 5 * minuteMs;
const clockMsFine = 30_000;
/** How far a `Date` header may lag behind: its seconds are cut off, and the answer travels. */
const dateMs = 2_000;
const sweepMsMax = 5 * minuteMs;
const soonMs = 7 * 86_400_000;
const oldSeconds = 3_600;

/** `date`: the `Date` header of an answer that arrived at `now`; it counts whole seconds. */
export function clockFinding(date: string | null, now: number): Finding {
  const theirs = Date.parse(date ?? '');
  if (Number.isNaN(theirs)) return warn('clock', 'not checked: the answer has no date.');
  const ms = now - theirs;
  if (Math.abs(ms) < dateMs) return ok('clock', 'this machine and the server agree, within two seconds');
  const text = `this machine is ${Math.abs(Math.round(ms / 1000))} s ${ms < 0 ? 'behind' : 'ahead of'} the server`;
  if (Math.abs(ms) > clockMsMax) return fail('clock', `${text}: set it by NTP. Signatures are refused beyond five minutes.`);
  return Math.abs(ms) > clockMsFine ? warn('clock', `${text}: set it by NTP.`) : ok('clock', text);
}

/** A declaration that is refused fails the deployment. */
export function stackFinding(status: string): Finding {
  if (!/ROLLBACK|FAILED/.test(status)) return ok('stack', status);
  return fail(
    'stack',
    `${status}: the last deployment failed, perhaps for what it declares. See the events of the stack, and deploy again.`,
  );
}

export function keyFinding({ id, scopes, queues, topics, expiresAt }: OwnKey, now: number): Finding {
  const text = `${id}: ${scopes.join(', ')}; queues ${queues.join(', ') || 'none'}; topics ${topics.join(', ') || 'none'}`;
  if (expiresAt === null || Date.parse(expiresAt) - now > soonMs) return ok('key', text);
  return warn('key', `${text}. It expires at ${expiresAt}: create another by "keys create".`);
}

export function statusFindings({
  version: theirs,
  now,
  store,
  lastSweep,
  throttledWrites,
  throttledReads = 0,
}: ServerStatus): Finding[] {
  const isSame = theirs === version;
  return [
    isSame
      ? ok('version', theirs)
      : warn('version', `the server has ${theirs}, and this command ${version}: deploy or install the same.`),
    store.error === null
      ? ok('tables', `${store.kind}: all can be read`)
      : fail('tables', `${store.kind}: ${store.error}. Do the tables exist, and may the server read them?`),
    sweepFinding(lastSweep, Date.parse(now)),
    throttledWrites + throttledReads === 0
      ? ok('throttles', 'none in the last hour')
      : warn(
          'throttles',
          `${throttledWrites} ${plural(throttledWrites, 'write')} and ${throttledReads} ${plural(throttledReads, 'read')} in the last hour. A queue gets more shards by itself; if it goes on, raise the tables' limits.`,
        ),
  ];
}

function sweepFinding(last: ServerStatus['lastSweep'], now: number): Finding {
  if (last === null) return warn('sweep', 'none has ended yet: look again in a minute.');
  const ago = now - Date.parse(last.at);
  const text = `the last one ended ${Math.round(ago / 1000)} s ago`;
  if (ago > sweepMsMax) {
    return fail('sweep', `${text}. Is its rule enabled, and does its function run without errors? It should run each minute.`);
  }
  if (last.complete) return ok('sweep', text);
  const left = `${last.failedQueues} ${plural(last.failedQueues, 'queue')} failed, ${last.notReachedQueues} were not reached`;
  return warn('sweep', `${text} and did not do all: ${left}. If it goes on, give the function more memory.`);
}

/** Nothing if the queue is well. */
export function queueFindings({ name, counts, paused }: ListedQueue): Finding[] {
  const found: Finding[] = [];
  if (counts && counts.dead > 0)
    found.push(warn(name, `${counts.dead} ${plural(counts.dead, 'dead letter')}: see "dead list ${name}".`));
  if (paused) found.push(warn(name, `is paused: "queue resume ${name}" lets it deliver.`));
  const isOld = counts !== undefined && counts.ready > 0 && (counts.oldestAgeSeconds ?? 0) > oldSeconds;
  if (isOld && !paused) found.push(warn(name, 'its oldest message waits for more than an hour: does a consumer run?'));
  return found;
}

/** Nothing if the target is well. */
export function targetFindings({ queue, name, state, lastError, nextTryAt }: Target): Finding[] {
  const why = lastError ? `: ${lastError.message}` : '';
  if (state === 'broken') {
    return [fail(queue, `the target ${name} fails${why}. Mend it; it is tried again at ${nextTryAt}.`)];
  }
  return state === 'ended' ? [fail(queue, `the target ${name} has ended${why}. Put it again, or delete it.`)] : [];
}

/** Nothing if the schedule is well. */
export function scheduleFindings({ name, queue, lastError }: Schedule): Finding[] {
  if (lastError === null) return [];
  return [fail('schedules', `${name} cannot publish to ${queue}: ${lastError.message}. Correct it, or create the queue.`)];
}
