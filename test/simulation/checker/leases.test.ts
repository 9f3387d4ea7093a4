import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';
import { ofLeases } from './promises.ts';

const published = (h: Story) => {
  h.queue('q');
  h.publish([1, 1.1], 'm');
};
const held = (h: Story) => {
  published(h);
  h.receive([2, 2.1], 'm', 'one', 32);
};
const attempt = (h: Story, span: [number, number], id: string, receipt: string, until: number) => {
  h.receive(span, id, receipt, until, {}, 'q', { attemptId: 'a' });
};
const drained = { drainedAt: 100 };
const skewed = { clockErrorMs: 500 };

judgesEach(ofLeases, {
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
      'two leases that overlap by more than the error of the clocks',
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
      'a delivery during an extended lease',
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
      'a delivery during a lease that an extend without an answer cannot have ended',
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
      'two concurrent receives that deliver one message',
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
      'one receipt from two receives',
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
      'a delivery during a lease that a later release cannot have ended',
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
      'an ack that is refused during the lease',
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
      'an extend that is refused although no call ended the lease',
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
      'an extend that is refused after a release by id of an earlier receive',
      (h) => {
        held(h);
        h.call('releaseMessage', [2.5, 2.6], { queue: 'q', id: 'm' }, { receives: 2 }, { visibleAt: instant(32) });
        h.extend([3, 3.1], 'one', 9, 'lease_lost');
      },
      (h) => {
        held(h);
        h.call('releaseMessage', [2.5, 2.6], { queue: 'q', id: 'm' }, {}, 'lost');
        h.extend([3, 3.1], 'one', 9, 'lease_lost');
      },
    ],
    [
      'an extend that is refused after an earlier extend succeeded',
      (h) => {
        held(h);
        h.extend([33, 33.1], 'one', 30, { ok: true, leasedUntil: instant(63) });
        h.extend([34, 34.1], 'one', 30, 'lease_lost');
      },
      (h) => {
        held(h);
        h.extend([33, 33.1], 'one', 30, 'lease_lost');
        h.extend([33.1, 33.2], 'one', 30, { ok: true, leasedUntil: instant(63) });
      },
    ],
    [
      'a receipt that the queue returned and then calls invalid',
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
  'late-holder-is-refused': [
    [
      'an ack that succeeds after another receive',
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
      'a release that succeeds after another receive',
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
      'an extend that succeeds after another receive',
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
      'an ack that succeeds after a release',
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
      'a release without a failure that is answered with a delay',
      (h) => {
        h.queue('q', { backoff: { minSeconds: 5, maxSeconds: 5, factor: 1, jitter: 0 } });
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 32);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(8) });
      },
      (h) => {
        h.queue('q', { backoff: { minSeconds: 5, maxSeconds: 5, factor: 1, jitter: 0 } });
        h.publish([1, 1.1], 'm');
        h.receive([2, 2.1], 'm', 'one', 32);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(8) }, { failed: 'x' });
      },
    ],
    [
      'a release that is answered with a shorter delay than it asked for',
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(12) }, { delaySeconds: 10 });
      },
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(13) }, { delaySeconds: 10 });
      },
    ],
    [
      'a delivery before the delay is over',
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
      'a delivery before `deliverAt`',
      (h) => {
        h.queue('q', { delaySeconds: 20 });
        h.publish([1, 1.1], 'm', { body: 'm', deliverAt: instant(11) });
        h.receive([10, 10.9], 'm', 'one', 40);
      },
      (h) => {
        h.queue('q', { delaySeconds: 20 });
        h.publish([1, 1.1], 'm', { body: 'm', deliverAt: instant(11) });
        h.receive([10, 11], 'm', 'one', 40);
      },
    ],
    [
      'a delivery before the instant to which the message was postponed',
      (h) => {
        published(h);
        h.putOff([2, 2.1], 11, 10);
      },
      (h) => {
        published(h);
        h.putOff([2, 2.1], 11);
        h.putOff([3, 3.1], 1, 3);
      },
    ],
    [
      "a delivery before the queue's delay is over",
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
      'a delivery before the instant that a release was answered with',
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(8) }, { delaySeconds: 5 });
        h.receive([7, 7.9], 'm', 'two', 37, { receives: 2 });
      },
      (h) => {
        held(h);
        h.release([3, 3.1], 'one', { ok: true, visibleAt: instant(8) }, { delaySeconds: 5 });
        h.receive([7, 8], 'm', 'two', 37, { receives: 2 });
      },
    ],
    [
      'a delivery before the delay of a release without an answer can have ended',
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
      'a delivery before the backoff is over',
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
      'an acked message that can be read after the drain',
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
  'repeat-gives-the-same': [
    [
      'a repeat that returns an acked message',
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        h.ack([3, 3.1], 'one');
        attempt(h, [4, 4.1], 'm', 'one', 34);
      },
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        attempt(h, [3, 4], 'm', 'one', 34);
        h.ack([3.5, 4.1], 'one');
      },
    ],
    [
      'a repeat that returns a cancelled message',
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        h.call('cancelMessage', [3, 3.1], { queue: 'q', id: 'm' }, { force: true }, {});
        attempt(h, [4, 4.1], 'm', 'one', 34);
      },
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        h.call('cancelMessage', [3, 4], { queue: 'q', id: 'm' }, { force: true }, {});
        attempt(h, [3.5, 3.6], 'm', 'one', 33);
      },
    ],
    [
      'a repeat that returns a purged message',
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        h.purge([3, 3.1]);
        attempt(h, [6, 6.1], 'm', 'one', 36);
      },
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        h.purge([3, 3.1]);
        attempt(h, [4, 4.1], 'm', 'one', 34);
      },
    ],
    [
      'a repeat that returns other messages while the first is leased',
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 32);
        h.publish([1, 1.1], 'other');
        attempt(h, [4, 4.1], 'other', 'two', 34);
      },
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 4);
        h.publish([1, 1.1], 'other');
        attempt(h, [4, 4.1], 'other', 'two', 34);
      },
      { hasNoFaults: true },
    ],
    [
      'a repeat that returns other messages within five minutes',
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 602);
        h.publish([1, 1.1], 'other');
        attempt(h, [301, 301.1], 'other', 'two', 334);
      },
      (h) => {
        published(h);
        attempt(h, [2, 2.1], 'm', 'one', 602);
        h.publish([1, 1.1], 'other');
        attempt(h, [302, 302.1], 'other', 'two', 334);
      },
      { hasNoFaults: true },
    ],
  ],
});
