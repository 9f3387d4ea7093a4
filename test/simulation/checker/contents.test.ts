import { instant, type Story } from '../report/story.ts';
import { judgesEach } from './cases.ts';
import { ofContents } from './promises.ts';

const published = (h: Story) => {
  h.queue('q');
  h.publish([1, 1.1], 'm');
};

const receiveBytes = (h: Story) => {
  const message = { id: 'm', bodyBase64: 'aGk=', attributes: {}, receipt: 'r', receives: 1, failures: 0 };
  const times = { publishedAt: instant(1), leasedUntil: instant(30) };
  h.call('receive', [2, 2.1], { queue: 'q' }, {}, { messages: [{ ...message, ...times }] });
};

judgesEach(ofContents, {
  'body-intact': [
    [
      'a delivery with another body',
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
      'a delivery with other attributes',
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
      'a delivery of bytes for a text',
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { body: 'aGk=' });
        receiveBytes(h);
      },
      (h) => {
        h.queue('q');
        h.publish([1, 1.1], 'm', { bodyBase64: 'aGk=' });
        receiveBytes(h);
      },
    ],
    [
      'a delivery with another time of publish',
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
      'a delivery of a message that was never published',
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
      'two messages from one publish',
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
      'a delivery of a message whose publish was refused',
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
      'a delivery in a queue that the message cannot reach',
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
      'two messages with one id',
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
      'two messages stored under one own id',
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
      'an own id stored again too soon after an ack',
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
      'a message stored under another id than its own',
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
});
