import type { DeathReason } from '../../../contract/contract.ts';
import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';
import { ofEndings } from './promises.ts';

const deadLetter = (receives: number, reason: DeathReason = 'max_receives', at = 5, text?: string) => ({
  deadLetter: { queue: 'q', reason, at: instant(at), receives, failures: receives, ...(text === undefined ? {} : { text }) },
});
const twoQueues = (h: Story) => {
  h.queue('q', { deadLetter: { queue: 'dead', maxReceives: 2 } });
  h.queue('dead');
};
const published = (h: Story) => {
  h.queue('q');
  h.publish([1, 1.1], 'm');
};
const held = (h: Story) => {
  published(h);
  h.receive([2, 2.1], 'm', 'one', 32);
};
const died = (h: Story) => {
  twoQueues(h);
  h.publish([1, 1.1], 'm');
  h.receive([2, 2.1], 'm', 'one', 3);
};
const shortLived = (h: Story) => {
  h.queue('q', { deadLetter: { queue: 'dead', maxReceives: 2 } });
  h.queue('dead', { retentionSeconds: 60 });
  h.publish([1, 1.1], 'm');
};
const drained = { drainedAt: 100 };
/** The first was under way when a purge began, and until after the second was. */
const ofOneKey = (h: Story) => {
  h.queue('q', { deduplication: { windowSeconds: 1, onDuplicate: 'replace' } });
  h.publish([1, 9], '@k', { body: 'first', dedupKey: 'k' });
  h.purge([2, 4]);
  h.publish([5, 12], '@k', { body: 'second', dedupKey: 'k' });
  h.publish([13, 14], '@k', { body: 'third', dedupKey: 'k' }, { ok: true, id: '@k', duplicate: true });
};

judgesEach(ofEndings, {
  'accepted-is-never-lost': [
    [
      'a message that nobody ever got',
      published,
      (h) => {
        published(h);
        h.receive([90, 90.1], 'm', 'one', 120);
      },
      drained,
    ],
    [
      'one that was received and not acked',
      held,
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one', 'lost');
      },
      drained,
    ],
    [
      'the second of two under one key, where what came is of the first',
      (h) => {
        ofOneKey(h);
        h.receive([50, 50.1], '@k', 'one', 120, { body: 'third', publishedAt: instant(1.5) });
      },
      (h) => {
        ofOneKey(h);
        h.receive([50, 50.1], '@k', 'one', 120, { body: 'third', publishedAt: instant(6) });
      },
      drained,
    ],
    [
      'one whose lease ended before the end',
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 60, { ok: true, leasedUntil: instant(63) });
      },
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 100, { ok: true, leasedUntil: instant(103) });
      },
      drained,
    ],
    [
      'one published after a purge was answered',
      (h) => {
        published(h);
        h.purge([0.1, 0.9]);
      },
      (h) => {
        published(h);
        h.purge([0.1, 1.05]);
      },
      drained,
    ],
    [
      'one that is not old enough to be gone',
      (h) => {
        h.queue('q', { retentionSeconds: 100 });
        h.publish([1, 1.1], 'm');
      },
      (h) => {
        h.queue('q', { retentionSeconds: 99 });
        h.publish([1, 1.1], 'm');
      },
      drained,
    ],
    [
      'one that went to the dead-letter queue, by what was said',
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, deadLettered: true });
      },
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, deadLettered: true });
        h.receive([90, 91], 'm', 'two', 120, deadLetter(2), 'dead');
      },
      drained,
    ],
    [
      'a duplicate of nothing',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' }, { ok: true, id: 'own', duplicate: true });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' }, 'lost');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' }, { ok: true, id: 'own', duplicate: true });
      },
    ],
    [
      'one whose publish was lost, and then told to have been stored',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' }, 'lost');
        h.publish([2, 2.1], 'own', { body: 1, id: 'own' }, { ok: true, id: 'own', duplicate: true });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' }, 'lost');
      },
      drained,
    ],
  ],
  liveness: [
    [
      'a message that is put off further than was asked',
      (h) => {
        published(h);
        h.putOff([2, 2.1], 11, 12);
      },
      (h) => {
        published(h);
        h.putOff([2, 2.1], 11);
      },
    ],
    [
      'a message that is there and not received',
      (h) => {
        published(h);
        h.seen([101, 101.1], 'm');
      },
      (h) => {
        published(h);
        h.receive([99, 99.1], 'm', 'one', 130);
        h.seen([101, 101.1], 'm');
      },
      drained,
    ],
    [
      'one whose publish was not answered',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'lost');
        h.seen([101, 101.1], 'm');
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'lost');
      },
      drained,
    ],
  ],
  'expired-is-never-delivered': [
    [
      'a message past its retention',
      (h) => {
        h.queue('q', { retentionSeconds: 60 });
        h.publish([1, 1.1], 'm', { body: 'm', delaySeconds: 5 });
        h.receive([66.2, 66.3], 'm', 'one', 90);
      },
      (h) => {
        h.queue('q', { retentionSeconds: 60 });
        h.publish([1, 1.1], 'm', { body: 'm', delaySeconds: 5 });
        h.receive([66, 66.3], 'm', 'one', 90);
      },
    ],
    [
      'a dead letter past its own',
      (h) => {
        shortLived(h);
        h.receive([70.1, 70.2], 'm', 'x', 90, deadLetter(2), 'dead');
      },
      (h) => {
        shortLived(h);
        h.receive([70, 70.2], 'm', 'x', 90, deadLetter(2), 'dead');
      },
    ],
  ],
  purge: [
    [
      'what was there before',
      (h) => {
        published(h);
        h.purge([2, 4]);
        h.receive([4.1, 4.2], 'm', 'one', 30);
      },
      (h) => {
        published(h);
        h.purge([2, 4]);
        h.receive([3.9, 4.2], 'm', 'one', 30);
      },
    ],
    [
      'what was published just before it',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm');
        h.purge([1.2, 4]);
        h.receive([5, 5.1], 'm', 'one', 30);
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.3], 'm');
        h.purge([1.2, 4]);
        h.receive([5, 5.1], 'm', 'one', 30);
      },
    ],
    [
      'a dead letter that was there before',
      (h) => {
        died(h);
        h.purge([20, 22], 'answered', 'dead');
        h.receive([23, 23.1], 'm', 'x', 30, deadLetter(2), 'dead');
      },
      (h) => {
        died(h);
        h.purge([20, 22], 'answered', 'dead');
        h.receive([23, 23.1], 'm', 'x', 30, deadLetter(2, 'max_receives', 21), 'dead');
      },
    ],
  ],
  'dead-lettered-at-exactly-max-receives': [
    [
      'a receive too many',
      (h) => {
        twoQueues(h);
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 3, { receives: 3 });
      },
      (h) => {
        twoQueues(h);
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 3, { receives: 2 });
      },
    ],
    [
      'a receive that does not count',
      (h) => {
        died(h);
        h.receive([4, 4.1], 'm', 'two', 5);
      },
      (h) => {
        died(h);
        h.receive([4, 4.1], 'm', 'two', 5, { receives: 2 });
      },
    ],
    [
      'a death too early',
      (h) => {
        died(h);
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(1), 'dead');
      },
      (h) => {
        died(h);
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(2), 'dead');
      },
    ],
    [
      'a death too late',
      (h) => {
        died(h);
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(3), 'dead');
      },
      (h) => {
        died(h);
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(1, 'expired'), 'dead');
      },
    ],
    [
      'a text that nobody gave',
      (h) => {
        died(h);
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(2, 'max_receives', 5, 'boom'), 'dead');
      },
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, deadLettered: true }, { failed: 'boom' });
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(2, 'max_receives', 5, 'boom'), 'dead');
      },
    ],
    [
      'a rejection by nobody',
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, deadLettered: true }, { failed: 'boom' });
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(1, 'rejected'), 'dead');
      },
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, deadLettered: true }, { deadLetter: true });
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(1, 'rejected'), 'dead');
      },
    ],
    [
      'a message that was rejected, and stays where it is',
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, visibleAt: instant(2.5) }, { deadLetter: true });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 3);
        h.release([2.5, 2.6], 'one', { ok: true, visibleAt: instant(2.5) }, { deadLetter: true });
      },
    ],
  ],
  'redrive-moves-each-once': [
    [
      'a copy in each queue',
      (h) => {
        died(h);
        h.redrive([10, 10.1], 'dead');
        h.receive([12, 12.1], 'm', 'x', 90, deadLetter(2), 'dead');
        h.receive([13, 13.1], 'm', 'two', 90);
      },
      (h) => {
        died(h);
        h.redrive([10, 10.1], 'dead');
        h.receive([12, 12.1], 'm', 'x', 13, deadLetter(2), 'dead');
        h.receive([13, 13.1], 'm', 'two', 90);
      },
    ],
    [
      'a copy left behind',
      (h) => {
        died(h);
        h.redrive([10, 10.1], 'dead');
        h.receive([13, 13.1], 'm', 'two', 14);
        h.receive([20, 20.1], 'm', 'x', 90, deadLetter(2), 'dead');
      },
      (h) => {
        died(h);
        h.redrive([10, 10.1], 'dead');
        h.receive([13, 13.1], 'm', 'two', 14);
        h.receive([20, 20.1], 'm', 'x', 90, deadLetter(2, 'max_receives', 15), 'dead');
      },
    ],
  ],
});
