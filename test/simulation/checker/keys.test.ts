import type { Schedule } from '../../../contract/contract.ts';
import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';
import { ofKeys, ofPrepared, ofSchedules } from './promises.ts';

const keyed = (h: Story, windowSeconds: number | null) => {
  h.queue('q', { deduplication: { windowSeconds, onDuplicate: 'ignore' } });
  h.publish([1, 1.1], '@k', { body: '@k', dedupKey: 'k' });
};
const again = (h: Story, at: number) => h.publish([at, at + 0.1], '@k', { body: 'second', dedupKey: 'k' });

judgesEach(ofKeys, {
  'one-message-a-key': [
    [
      'a second message within the window after the first was acked',
      (h) => {
        keyed(h, 10);
        h.receive([2, 2.1], '@k', 'one', 30);
        h.ack([3, 3.1], 'one');
        again(h, 10);
      },
      (h) => {
        keyed(h, 10);
        h.receive([2, 2.1], '@k', 'one', 30);
        h.ack([3, 3.1], 'one');
        again(h, 11.2);
      },
    ],
    [
      'a second message while the first waits',
      (h) => {
        keyed(h, null);
        again(h, 5);
      },
      (h) => {
        keyed(h, null);
        h.receive([2, 2.1], '@k', 'one', 30);
        h.ack([4.9, 5.2], 'one', 'lost');
        again(h, 5);
      },
    ],
  ],
});

const prepared = (h: Story) => {
  h.queue('q', { prepared: { timeoutSeconds: 60, checkBack: null } });
  h.publish([1, 1.1], 'm', { body: 'm', prepared: true });
};
type Answer = 'ok' | 'message_rolled_back' | 'message_committed' | 'message_not_found';
const decide = (h: Story, decision: 'commit' | 'rollback', at: number, answer: Answer = 'ok') =>
  h.call(`${decision}Message`, [at, at + 0.1], { queue: 'q', id: 'm' }, {}, answer === 'ok' ? {} : answer);

judgesEach(ofPrepared, {
  'never-before-commit': [
    [
      'a delivery before the commit',
      (h) => {
        prepared(h);
        h.receive([2, 2.1], 'm', 'one', 30);
        decide(h, 'commit', 2.2);
      },
      (h) => {
        prepared(h);
        decide(h, 'commit', 2.05);
        h.receive([2, 2.1], 'm', 'one', 30);
      },
    ],
  ],
  'decided-once': [
    [
      'a delivery after a rollback',
      (h) => {
        prepared(h);
        decide(h, 'rollback', 2);
        decide(h, 'commit', 3, 'message_rolled_back');
        h.receive([4, 4.1], 'm', 'one', 30);
      },
      (h) => {
        prepared(h);
        decide(h, 'commit', 2);
        decide(h, 'rollback', 3, 'message_committed');
        h.receive([4, 4.1], 'm', 'one', 30);
      },
    ],
    [
      'a commit and a rollback that both succeed',
      (h) => {
        prepared(h);
        decide(h, 'commit', 2);
        decide(h, 'rollback', 3);
      },
      (h) => {
        prepared(h);
        decide(h, 'rollback', 2);
        decide(h, 'rollback', 3);
      },
    ],
    [
      'a rollback before the timeout without a call',
      (h) => {
        prepared(h);
        decide(h, 'commit', 60.8, 'message_rolled_back');
      },
      (h) => {
        prepared(h);
        decide(h, 'commit', 61.1, 'message_rolled_back');
      },
    ],
    [
      'an undecided message that is not found',
      (h) => {
        prepared(h);
        decide(h, 'commit', 2, 'message_not_found');
      },
      (h) => {
        prepared(h);
        h.purge([1.5, 3.6]);
        decide(h, 'commit', 2, 'message_not_found');
      },
    ],
  ],
});

type When = Pick<Schedule, 'cron' | 'timeZone' | 'everySeconds' | 'startAt'>;

const eachTenSeconds: When = { cron: null, timeZone: null, everySeconds: 10, startAt: instant(10) };
/** The story starts at 9:00 in that time zone. */
const eachTwoMinutes: When = { cron: '*/2 9 * * *', timeZone: 'Asia/Tokyo', everySeconds: null, startAt: null };

/** `from`: the second at which the call starts. */
const scheduled = (h: Story, when = eachTenSeconds, from = 1, operation: 'putSchedule' | 'updateSchedule' = 'putSchedule') => {
  h.queue('q');
  const asked = { queue: 'q', missed: 'all' as const, message: { body: 'tick' } };
  const input = { ...asked, ...Object.fromEntries(Object.entries(when).filter(([, value]) => value !== null)) };
  const output: Schedule = {
    ...asked,
    ...when,
    name: 's',
    endAt: null,
    paused: false,
    message: { body: 'tick', attributes: {} },
    nextAt: instant(10),
    lastAt: null,
    lastError: null,
    createdAt: instant(1),
    updatedAt: instant(from),
  };
  h.call(operation, [from, from + 0.1], { name: 's' }, input, output);
};
const changedTwice = (h: Story) => {
  const anyTenSeconds = { ...eachTenSeconds, startAt: null };
  scheduled(h, eachTwoMinutes);
  scheduled(h, anyTenSeconds, 5, 'updateSchedule');
  scheduled(h, anyTenSeconds, 8);
};
const tick = (h: Story, at: number, tickAt: number, id = `tick-${tickAt}`) => {
  const attributes = { schedule: 's', tick: instant(tickAt) };
  h.receive([at, at + 0.1], id, `${id}-${at}`, at + 5, { body: 'tick', attributes, publishedAt: instant(tickAt) });
  h.ack([at + 0.2, at + 0.3], `${id}-${at}`);
};
const slowAndQuick = (h: Story, quickAt: number) => {
  const shown = { body: 'tick', attributes: { schedule: 's', tick: instant(10) }, publishedAt: instant(10) };
  h.receive([2, 16], 'tick-10', 'slow', 20, { ...shown, receives: 2 });
  h.receive([quickAt, quickAt], 'tick-10', 'quick', 15, shown);
};
const drained = { drainedAt: 100, sweptAt: 25 };

judgesEach(ofSchedules, {
  'one-message-a-tick': [
    [
      'two messages of one tick',
      (h) => {
        scheduled(h);
        tick(h, 11, 10);
        tick(h, 12, 10, 'another');
      },
      (h) => {
        scheduled(h);
        tick(h, 11, 10);
        tick(h, 20, 20);
      },
    ],
    [
      'a message of a tick that comes earlier than any clock allows, and again in a receive that began before',
      (h) => {
        scheduled(h);
        slowAndQuick(h, 9.4);
      },
      (h) => {
        scheduled(h);
        slowAndQuick(h, 9.7);
      },
      { clockErrorMs: 500 },
    ],
    [
      'a tick without a message although a sweep followed',
      (h) => {
        scheduled(h);
        tick(h, 11, 10);
      },
      (h) => {
        scheduled(h);
        tick(h, 11, 10);
        tick(h, 24, 20);
      },
      drained,
    ],
    [
      'two messages of one tick when a put continues a rate that an update began',
      (h) => {
        changedTwice(h);
        tick(h, 16, 15);
        tick(h, 17, 15, 'another');
      },
      (h) => {
        changedTwice(h);
        tick(h, 16, 15);
      },
    ],
    [
      'a tick of a cron expression without a message although a sweep followed',
      (h) => {
        scheduled(h, eachTwoMinutes);
        tick(h, 121, 120);
      },
      (h) => {
        scheduled(h, eachTwoMinutes);
        tick(h, 121, 120);
        tick(h, 241, 240);
      },
      { drainedAt: 400, sweptAt: 300 },
    ],
  ],
});
