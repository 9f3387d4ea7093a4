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
/** The first publish is in progress when the purge begins, and ends after the second begins. */
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
      'a message that was never received',
      published,
      (h) => {
        published(h);
        h.receive([90, 90.1], 'm', 'one', 120);
      },
      drained,
    ],
    [
      'a message that was received, not acked, and never came back',
      held,
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one', 'lost');
      },
      drained,
    ],
    [
      'the loss of the second of two messages under one key, when only the first was delivered',
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
      'the loss of a message whose lease ended before the drain',
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
      'the loss of a message published after the answer to a purge',
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
      'the loss of a message within its retention',
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
      'the loss of a message that was answered as dead-lettered',
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
      'a publish answered as a duplicate of no message',
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
      'the loss of a message whose publish had no answer and was later answered as a duplicate',
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
      'a message postponed further than the call asked',
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
      'a message that can be read and is never received',
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
      'a message whose publish had no answer, that can be read and is never received',
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
      'a delivery after the retention',
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
      'a delivery of a dead letter after the retention of its queue',
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
      'a delivery of a message that was there before the purge',
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
      'a delivery of a message published just before the purge',
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
      'a delivery of a dead letter that was there before the purge',
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
      'one receive too many',
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
      'a receive that is not counted',
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
      'a dead letter after too few receives',
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
      'a dead letter after too many receives',
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
      'a dead letter with a text that no release gave',
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
      'a dead letter that was rejected by no call',
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
      'a rejected message that stays in its queue',
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
      'a redriven message in both queues',
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
      'a copy that a redrive left behind',
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
