import type { Message } from '../../../contract/contract.ts';
import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';
import { ofKeeping, ofLimits, ofTransactions } from './promises.ts';

const held = (h: Story, settings: Parameters<Story['queue']>[1]) => {
  h.queue('q', settings);
  h.publish([1, 1.1], 'm');
  h.receive([2, 2.1], 'm', 'one', 60);
};
const ack = (h: Story, [from, to]: [number, number], result: number, answer: 'ok' | 'lost' = 'ok') =>
  h.call(
    'ack',
    [from, to],
    { queue: 'q' },
    { receipts: ['one'], result },
    answer === 'lost' ? answer : { results: [{ ok: true }] },
  );
const done = (h: Story) => {
  held(h, { keep: { doneSeconds: 60, deadSeconds: 60 } });
  ack(h, [3, 3.1], 1);
};
const shown = (h: Story, at: number, more: Partial<Message> = {}) => {
  const message: Message = {
    ...{ id: 'm', queue: 'q', state: 'done', body: 'm', attributes: {}, receives: 1, failures: 0 },
    ...{ publishedAt: instant(1), visibleAt: instant(60), expiresAt: null },
    ...{ endedAt: instant(3), keptUntil: instant(63), result: 1 },
    ...more,
  };
  h.call('getMessage', [at, at + 0.1], { queue: 'q', id: 'm' }, {}, message);
};
const missing = (h: Story, at: number) => h.call('getMessage', [at, at + 0.1], { queue: 'q', id: 'm' }, {}, 'message_not_found');

judgesEach(ofKeeping, {
  'kept-can-be-read': [
    [
      'an acked message that cannot be read while it should be kept',
      (h) => {
        done(h);
        missing(h, 62);
      },
      (h) => {
        done(h);
        missing(h, 63);
      },
    ],
    [
      'the result of a later ack',
      (h) => {
        done(h);
        ack(h, [4, 4.1], 2);
        shown(h, 5, { result: 2 });
      },
      (h) => {
        held(h, { keep: { doneSeconds: 60, deadSeconds: 60 } });
        ack(h, [3, 3.1], 1, 'lost');
        ack(h, [3, 3.2], 2);
        shown(h, 5, { result: 2 });
      },
    ],
    [
      'a message shown as done without an ack',
      (h) => {
        held(h, { keep: { doneSeconds: 60, deadSeconds: 60 } });
        shown(h, 5);
      },
      (h) => {
        done(h);
        shown(h, 5);
      },
    ],
    [
      'a message shown after its time was over',
      (h) => {
        done(h);
        shown(h, 63.1);
      },
      (h) => {
        done(h);
        shown(h, 62.9);
      },
    ],
    [
      'two reads that show different endings',
      (h) => {
        done(h);
        shown(h, 5);
        shown(h, 6, { endedAt: instant(3.05), keptUntil: instant(63.05) });
      },
      (h) => {
        done(h);
        shown(h, 5);
        shown(h, 6);
      },
    ],
    [
      'another message under the own id of a kept one',
      (h) => {
        done(h);
        h.publish([50, 50.1], 'm', { body: 'other', id: 'm' });
      },
      (h) => {
        done(h);
        h.publish([4000, 4000.1], 'm', { body: 'other', id: 'm' });
      },
    ],
  ],
});

const full = (h: Story, limits: { concurrency: number | null; ratePerSecond: number | null }) => {
  h.queue('q', { limits });
  for (const id of ['a', 'b']) h.publish([1, 1.1], id);
  h.receive([2, 2.1], 'a', 'one', 32);
};

judgesEach(ofLimits, {
  'limits-hold': [
    [
      'one lease more than the limit',
      (h) => {
        full(h, { concurrency: 1, ratePerSecond: null });
        h.receive([31, 31.9], 'b', 'two', 60);
      },
      (h) => {
        full(h, { concurrency: 1, ratePerSecond: null });
        h.receive([31, 32], 'b', 'two', 60);
      },
    ],
    [
      'a lease beyond the limit when no earlier one can have ended',
      (h) => {
        full(h, { concurrency: 1, ratePerSecond: null });
        h.receive([3, 3.1], 'b', 'two', 60);
        h.ack([4, 4.1], 'one');
      },
      (h) => {
        full(h, { concurrency: 1, ratePerSecond: null });
        h.ack([3, 4.1], 'one');
        h.receive([3, 3.1], 'b', 'two', 60);
      },
    ],
    [
      'a lease beyond the limit while an earlier one was extended',
      (h) => {
        full(h, { concurrency: 1, ratePerSecond: null });
        h.extend([3, 3.1], 'one', 60, { ok: true, leasedUntil: instant(63) });
        h.receive([40, 40.1], 'b', 'two', 60);
      },
      (h) => {
        full(h, { concurrency: 1, ratePerSecond: null });
        h.extend([3, 3.1], 'one', 60, 'lost');
        h.receive([40, 40.1], 'b', 'two', 60);
      },
    ],
    [
      'more receives than the rate allows',
      (h) => {
        full(h, { concurrency: null, ratePerSecond: 0.5 });
        h.receive([2.5, 3.9], 'b', 'two', 60);
      },
      (h) => {
        full(h, { concurrency: null, ratePerSecond: 0.5 });
        h.receive([2.5, 4], 'b', 'two', 60);
      },
    ],
  ],
});

judgesEach(ofTransactions, {
  'transaction-is-whole': [
    [
      'a message delivered before its transaction was committed',
      (h) => {
        h.queue('q');
        h.transaction([3, 3.1], { publishes: ['m'] }, 'committed');
        h.receive([2, 2.9], 'm', 'one', 32);
      },
      (h) => {
        h.queue('q');
        h.transaction([3, 3.1], { publishes: ['m'] }, 'committed');
        h.receive([2, 3], 'm', 'one', 32);
      },
    ],
    [
      'a transaction that was answered as committed and was not applied',
      (h) => {
        held(h, {});
        h.transaction([3, 3.1], { acks: ['one'] }, 'committed', false);
      },
      (h) => {
        held(h, {});
        h.transaction([3, 3.1], { acks: ['one'] }, 'lost', false);
      },
    ],
  ],
  'effect-happens-once': [
    [
      'two transactions with the ack of one message',
      (h) => {
        held(h, {});
        h.transaction([3, 3.1], { acks: ['one'] }, 'committed');
        h.transaction([4, 4.1], { acks: ['one'] }, 'lost', true);
      },
      (h) => {
        held(h, {});
        h.transaction([3, 3.1], { acks: ['one'] }, 'committed');
        h.transaction([4, 4.1], { acks: ['one'] }, 'refused');
      },
    ],
    [
      'a transaction with the ack of a message that was already acked',
      (h) => {
        held(h, {});
        h.ack([3, 3.1], 'one');
        h.transaction([4, 4.1], { acks: ['one'] }, 'committed');
      },
      (h) => {
        held(h, {});
        h.ack([3, 4], 'one');
        h.transaction([4, 4.1], { acks: ['one'] }, 'committed');
      },
    ],
  ],
});
