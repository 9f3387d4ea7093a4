/** What `doctor` makes of the facts that it reads. */
import { expect, it } from 'vitest';
import {
  clockFinding,
  keyFinding,
  queueFindings,
  scheduleFindings,
  stackFinding,
  statusFindings,
  targetFindings,
} from '../../cli/findings.ts';
import type { ListedQueue, OwnKey, Schedule, ServerStatus, Target } from '../../contract/contract.ts';
import { version } from '../../contract/version.ts';

const now = Date.parse('2026-01-31T12:00:00.000Z');
const at = (ms: number) => new Date(now + ms).toISOString();

const sweep = { at: at(-30_000), complete: true, failedQueues: 0, notReachedQueues: 0 };
const status: ServerStatus = {
  version,
  now: at(0),
  store: { kind: 'dynamodb', error: null },
  lastSweep: sweep,
  throttledWrites: 0,
  throttledReads: 0,
};
const key: OwnKey = {
  id: 'k',
  scopes: ['admin'],
  queues: ['*'],
  topics: ['*'],
  expiresAt: null,
  version: '0.1.0',
  environment: null,
};
const counts = { ready: 1, delayed: 0, leased: 0, dead: 0, prepared: 0, done: 0, oldestAgeSeconds: 60 };
const queue = (changes: object) => ({ name: 'orders', paused: false, counts, ...changes }) as unknown as ListedQueue;
const target = (state: string) =>
  ({ queue: 'orders', name: 'hook', state, lastError: { at: at(0), message: 'HTTP 500' }, nextTryAt: at(9) }) as Target;
const schedule = (message?: string) =>
  ({ name: 'nightly', queue: 'orders', lastError: message === undefined ? null : { at: at(0), message } }) as Schedule;

it.each([
  ['a clock that agrees', clockFinding(new Date(now).toUTCString(), now + 900), ['ok']],
  ['a clock a minute ahead', clockFinding(new Date(now).toUTCString(), now + 60_000), ['warn']],
  ['a clock six minutes behind', clockFinding(new Date(now).toUTCString(), now - 360_000), ['fail']],
  ['an answer without a date', clockFinding(null, now), ['warn']],
  ['a stack that is deployed', stackFinding('UPDATE_COMPLETE'), ['ok']],
  ['a stack that rolled back', stackFinding('UPDATE_ROLLBACK_COMPLETE'), ['fail']],
  ['a key that lasts', keyFinding(key, now), ['ok']],
  ['a key that expires tomorrow', keyFinding({ ...key, expiresAt: at(86_400_000) }, now), ['warn']],
  ['a server that is well', statusFindings(status), ['ok', 'ok', 'ok', 'ok']],
  ['a server of another version', statusFindings({ ...status, version: '9' }), ['warn', 'ok', 'ok', 'ok']],
  [
    'a table that is missing',
    statusFindings({ ...status, store: { kind: 'dynamodb', error: 'no table' } }),
    ['ok', 'fail', 'ok', 'ok'],
  ],
  ['no sweep so far', statusFindings({ ...status, lastSweep: null }), ['ok', 'ok', 'warn', 'ok']],
  ['an old sweep', statusFindings({ ...status, lastSweep: { ...sweep, at: at(-301_000) } }), ['ok', 'ok', 'fail', 'ok']],
  [
    'a sweep that left something',
    statusFindings({ ...status, lastSweep: { ...sweep, complete: false } }),
    ['ok', 'ok', 'warn', 'ok'],
  ],
  ['throttles', statusFindings({ ...status, throttledWrites: 3 }), ['ok', 'ok', 'ok', 'warn']],
  ['throttled reads', statusFindings({ ...status, throttledReads: 3 }), ['ok', 'ok', 'ok', 'warn']],
  ['a queue that is well', queueFindings(queue({})), []],
  ['a queue with dead letters', queueFindings(queue({ counts: { ...counts, dead: 2 } })), ['warn']],
  ['a queue with an old message', queueFindings(queue({ counts: { ...counts, oldestAgeSeconds: 9_999 } })), ['warn']],
  ['a paused queue', queueFindings(queue({ paused: true, counts: { ...counts, oldestAgeSeconds: 9_999 } })), ['warn']],
  ['a target that works', targetFindings(target('active')), []],
  ['a target that fails', targetFindings(target('broken')), ['fail']],
  ['a target that ended', targetFindings(target('ended')), ['fail']],
  ['a schedule that works', scheduleFindings(schedule()), []],
  ['a schedule that fails', scheduleFindings(schedule('no queue')), ['fail']],
])('doctor judges %s', (_, found, levels) => {
  const findings = Array.isArray(found) ? found : [found];
  expect(findings.map(({ level }) => level)).toEqual(levels);
  for (const { level, text } of findings) if (level !== 'ok') expect(text).toMatch(/[.?:]/);
});

it('doctor does not take the seconds that a Date header cuts off for a clock that is ahead', () => {
  expect(clockFinding(new Date(now).toUTCString(), now + 900)).toMatchObject({
    level: 'ok',
    text: expect.stringContaining('agree'),
  });
  expect(clockFinding(new Date(now).toUTCString(), now + 20_000)).toMatchObject({
    level: 'ok',
    text: expect.stringContaining('20 s'),
  });
});
