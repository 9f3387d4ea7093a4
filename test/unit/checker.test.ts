import { describe, expect, it } from 'vitest';
import { check, type PromiseName, promises } from '../simulation/checker.ts';
import { instant, type Story, story } from '../simulation/story.ts';

type Circumstances = Parameters<typeof story>[0];
/** A history that breaks the promise, beside one that nearly does. */
type Case = [what: string, breaks: (story: Story) => void, keeps: (story: Story) => void, circumstances?: Circumstances];

const deadLetter = (receives: number, reason = 'max_receives', at = 5) => ({
  deadLetter: { queue: 'q', reason, at: instant(at), receives, failures: receives },
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
const skewed = { clockErrorMs: 500 };

const cases: Record<PromiseName, Case[]> = {
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
  'acked-never-comes-back': [
    [
      'a message delivered by a receive that began after the ack',
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one');
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
      },
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one', 'unavailable');
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
      },
    ],
    [
      'a message shown after the end',
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one');
        h.seen([101, 101.1], 'm');
      },
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one', 'lost');
        h.seen([101, 101.1], 'm');
      },
      drained,
    ],
  ],
  'one-live-lease': [
    [
      'two leases at the same time',
      (h) => {
        held(h);
        h.receive([31, 31.9], 'm', 'two', 62, { receives: 2 });
      },
      (h) => {
        held(h);
        h.receive([31, 32], 'm', 'two', 62, { receives: 2 });
      },
    ],
    [
      'two leases further apart than the clocks are',
      (h) => {
        held(h);
        h.receive([31, 31.4], 'm', 'two', 62, { receives: 2 });
      },
      (h) => {
        held(h);
        h.receive([31, 31.5], 'm', 'two', 62, { receives: 2 });
      },
      skewed,
    ],
    [
      'a lease that was extended',
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 60, { ok: true, leasedUntil: instant(63) });
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
      },
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 10, { ok: true, leasedUntil: instant(13) });
        h.receive([20, 20.1], 'm', 'two', 50, { receives: 2 });
      },
    ],
    [
      'a lease that an unheard extension cannot have ended',
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 10, 'lost');
        h.receive([12, 12.9], 'm', 'two', 50, { receives: 2 });
      },
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 10, 'lost');
        h.receive([12, 13.1], 'm', 'two', 50, { receives: 2 });
      },
    ],
    [
      'two receives at once',
      (h) => {
        published(h);
        h.receive([2, 3], 'm', 'one', 32);
        h.receive([2, 3], 'm', 'two', 32);
      },
      (h) => {
        published(h);
        h.receive([2, 3], 'm', 'one', 2.5);
        h.receive([2, 3], 'm', 'two', 32, { receives: 2 });
      },
    ],
    [
      'the same receipt twice',
      (h) => {
        held(h);
        h.receive([40, 40.1], 'm', 'one', 70, { receives: 2 });
      },
      (h) => {
        held(h);
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
      },
    ],
    [
      'a release that came too late to have ended it',
      (h) => {
        held(h);
        h.receive([4, 4.1], 'm', 'two', 34, { receives: 2 });
        h.release([5, 5.1], 'one', 'lost');
      },
      (h) => {
        held(h);
        h.receive([4, 4.1], 'm', 'two', 34, { receives: 2 });
        h.release([4.1, 5.1], 'one', 'lost');
      },
    ],
  ],
  'live-lease-is-honoured': [
    [
      'an ack refused while the lease was live',
      (h) => {
        held(h);
        h.ack([3, 31.9], 'one', 'lease_lost');
      },
      (h) => {
        held(h);
        h.ack([3, 32], 'one', 'lease_lost');
      },
    ],
    [
      'an extension refused, though nobody gave it back',
      (h) => {
        held(h);
        h.extend([3, 3.1], 'one', 9, 'lease_lost');
      },
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', 'lost');
        h.extend([3, 3.1], 'one', 9, 'lease_lost');
      },
    ],
    [
      'a receipt that the queue gave, and does not know',
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one', 'invalid_receipt');
      },
      (h) => {
        held(h);
        h.ack([3, 3.1], 'one', 'invalid_receipt', 'other');
      },
    ],
  ],
  'late-holder-is-told': [
    [
      'an ack',
      (h) => {
        held(h);
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
        h.ack([41, 41.1], 'one');
      },
      (h) => {
        held(h);
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
        h.ack([41, 41.1], 'one', 'lease_lost');
      },
    ],
    [
      'a release',
      (h) => {
        held(h);
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
        h.release([41, 41.1], 'one', { ok: true, visibleAt: instant(41) });
      },
      (h) => {
        held(h);
        h.receive([40, 41.1], 'm', 'two', 70, { receives: 2 });
        h.release([41, 41.1], 'one', { ok: true, visibleAt: instant(41) });
      },
    ],
    [
      'an extension',
      (h) => {
        held(h);
        h.receive([40, 40.1], 'm', 'two', 70, { receives: 2 });
        h.extend([41, 41.1], 'one', 9, { ok: true, leasedUntil: instant(50) });
      },
      (h) => {
        held(h);
        h.extend([41, 41.1], 'one', 9, { ok: true, leasedUntil: instant(50) });
        h.receive([50, 50.1], 'm', 'two', 80, { receives: 2 });
      },
    ],
    [
      'an ack after a release',
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(3) });
        h.ack([3.2, 3.3], 'one');
      },
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(3) });
        h.ack([3.2, 3.3], 'one', 'lease_lost');
      },
    ],
  ],
  'never-before-visible': [
    [
      'before its delay is over',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { body: 'm', delaySeconds: 10 });
        h.receive([10, 10.9], 'm', 'one', 40);
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { body: 'm', delaySeconds: 10 });
        h.receive([10, 11], 'm', 'one', 40);
      },
    ],
    [
      "before its queue's delay is over",
      (h) => {
        h.queue('q', { delaySeconds: 10 });
        h.publish([1, 1.1], 'm');
        h.receive([10, 10.9], 'm', 'one', 40);
      },
      (h) => {
        h.queue('q', { delaySeconds: 9 });
        h.publish([1, 1.1], 'm');
        h.receive([10, 10.9], 'm', 'one', 40);
      },
    ],
    [
      'before the instant that a release was told',
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(8) });
        h.receive([7, 7.9], 'm', 'two', 37, { receives: 2 });
      },
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(8) });
        h.receive([7, 8], 'm', 'two', 37, { receives: 2 });
      },
    ],
    [
      'before an unheard release can have let it',
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', 'lost', { delaySeconds: 10 });
        h.receive([12, 12.9], 'm', 'two', 37, { receives: 2 });
      },
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', 'lost', { delaySeconds: 10 });
        h.receive([12, 13], 'm', 'two', 37, { receives: 2 });
      },
    ],
    [
      'before its backoff is over',
      (h) => {
        h.queue('q', { backoff: { minSeconds: 10, maxSeconds: 60, factor: 2, jitter: 0.5 } });
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 32);
        h.receive([36, 36.9], 'm', 'two', 62, { receives: 2, failures: 1 });
      },
      (h) => {
        h.queue('q', { backoff: { minSeconds: 10, maxSeconds: 60, factor: 2, jitter: 0.5 } });
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 32);
        h.receive([37, 37.1], 'm', 'two', 62, { receives: 2, failures: 1 });
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
      'a reason that nobody gave',
      (h) => {
        died(h);
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(2, 'boom'), 'dead');
      },
      (h) => {
        died(h);
        h.release([2.5, 2.6], 'one', { ok: true, deadLettered: true }, { failed: 'boom' });
        h.receive([6, 6.1], 'm', 'x', 9, deadLetter(2, 'boom'), 'dead');
      },
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
  'body-intact': [
    [
      'another body',
      (h) => {
        published(h);
        h.receive([2, 2.1], 'm', 'one', 30, { body: { m: 1 } });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { body: { b: [1], a: null } });
        h.receive([2, 2.1], 'm', 'one', 30, { body: { a: null, b: [1] } });
      },
    ],
    [
      'other attributes',
      (h) => {
        published(h);
        h.receive([2, 2.1], 'm', 'one', 30, { attributes: { a: 1 } });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { body: 'm', attributes: { a: 1 } });
        h.receive([2, 2.1], 'm', 'one', 30, { attributes: { a: 1 } });
      },
    ],
    [
      'bytes for a text',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { body: 'aGk=' });
        h.tell(
          'receive',
          [2, 2.1],
          { queue: 'q' },
          {},
          {
            messages: [
              {
                id: 'm',
                bodyBase64: 'aGk=',
                attributes: {},
                receipt: 'r',
                receives: 1,
                failures: 0,
                publishedAt: instant(1),
                leasedUntil: instant(30),
              },
            ],
          },
        );
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { bodyBase64: 'aGk=' });
        h.tell(
          'receive',
          [2, 2.1],
          { queue: 'q' },
          {},
          {
            messages: [
              {
                id: 'm',
                bodyBase64: 'aGk=',
                attributes: {},
                receipt: 'r',
                receives: 1,
                failures: 0,
                publishedAt: instant(1),
                leasedUntil: instant(30),
              },
            ],
          },
        );
      },
    ],
    [
      'another time of publishing',
      (h) => {
        published(h);
        h.receive([2, 2.1], 'm', 'one', 30, { publishedAt: instant(1.2) });
      },
      (h) => {
        published(h);
        h.receive([2, 2.1], 'm', 'one', 30, { publishedAt: instant(1.1) });
      },
    ],
  ],
  'only-published-is-delivered': [
    [
      'a message from nowhere',
      (h) => {
        h.queue('q');
        h.receive([2, 2.1], 'm', 'one', 30);
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'lost');
        h.receive([2, 2.1], 'm', 'one', 30);
      },
    ],
    [
      'two messages of one publish',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'lost');
        h.receive([2, 2.1], 'm', 'one', 30);
        h.receive([3, 3.1], 'n', 'two', 30, { body: 'm' });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'lost');
        h.publish([1, 1.1], '', { body: 'm' }, 'unavailable');
        h.receive([2, 2.1], 'm', 'one', 30);
        h.receive([3, 3.1], 'n', 'two', 30, { body: 'm' });
      },
    ],
    [
      'a message that was refused',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'invalid_input');
        h.receive([2, 2.1], 'm', 'one', 30);
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], '', { body: 'm' }, 'unavailable');
        h.receive([2, 2.1], 'm', 'one', 30);
      },
    ],
    [
      'a message in another queue',
      (h) => {
        h.queue('other');
        published(h);
        h.receive([2, 2.1], 'm', 'one', 30, {}, 'other');
      },
      (h) => {
        h.queue('other');
        published(h);
        h.redrive([1.5, 1.6], 'q', { toQueue: 'other' });
        h.receive([2, 2.1], 'm', 'one', 30, {}, 'other');
      },
    ],
  ],
  'no-duplicate-ids': [
    [
      'two messages of one id',
      (h) => {
        published(h);
        h.publish([2, 2.1], 'm', { body: 'n' });
      },
      (h) => {
        published(h);
        h.publish([2, 2.1], 'n', { body: 'm' });
      },
    ],
  ],
  'own-id-once': [
    [
      'stored twice',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' });
        h.publish([2, 2.1], 'own', { body: 2, id: 'own' });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' });
        h.publish([2, 2.1], 'own', { body: 2, id: 'own' }, { ok: true, id: 'own', duplicate: true });
      },
    ],
    [
      'stored again too soon after its ack',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 'own', id: 'own' });
        h.receive([2, 2.1], 'own', 'one', 30);
        h.ack([3, 3.1], 'one');
        h.publish([3600, 3602.9], 'own', { body: 2, id: 'own' });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 'own', id: 'own' });
        h.receive([2, 2.1], 'own', 'one', 30);
        h.ack([3, 3.1], 'one');
        h.publish([3600, 3603], 'own', { body: 2, id: 'own' });
      },
    ],
    [
      'under another id',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'other', { body: 1, id: 'own' });
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'own', { body: 1, id: 'own' });
      },
    ],
  ],
  liveness: [
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
};

describe.each(promises)('%s', (promise) => {
  it.each(cases[promise])('is broken by %s, and by nothing that is nearly so', (_, breaks, keeps, circumstances) => {
    const broken = story(circumstances);
    breaks(broken);
    expect(check(broken.history()).map((violation) => violation.promise)).toContain(promise);
    const kept = story(circumstances);
    keeps(kept);
    expect(check(kept.history()).map(({ text }) => text)).toEqual([]);
  });
});
