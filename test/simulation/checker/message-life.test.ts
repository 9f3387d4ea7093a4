import { expect, it } from 'vitest';
import { instant, type Story, story } from '../report/story.ts';
import { check } from './check.ts';

const promisesBrokenBy = (tell: (h: Story) => void, clockErrorMs = 0): string[] => {
  const told = story({ clockErrorMs, drainedAt: 100 });
  tell(told);
  return check(told.history()).map(({ promise }) => promise);
};

/** Two publishes under one key say the same instant: the second one took long, and its message was accepted after the first was acked. */
const twoOfOneKey = (h: Story, secondBody: string) => {
  h.queue('q', { deduplication: { windowSeconds: 2, onDuplicate: 'replace' } });
  h.publish([1, 1.1], '@k', { body: 'first', dedupKey: 'k' });
  h.publish([1, 6], '@k', { body: 'second', dedupKey: 'k' });
  h.receive([1.2, 1.3], '@k', 'one', 10, { body: 'first' });
  h.ack([2, 2.1], 'one');
  h.receive([10, 10.1], '@k', 'two', 20, { body: secondBody });
  h.ack([11, 11.1], 'two');
};

it('tells two messages of one key apart by their bodies where both say the same publishedAt', () => {
  expect(promisesBrokenBy((h) => twoOfOneKey(h, 'second'))).toEqual([]);
});

it('notices the first of two messages of one key that comes back after its ack, though the second has the same publishedAt', () => {
  expect(promisesBrokenBy((h) => twoOfOneKey(h, 'first'))).toContain('acked-never-comes-back');
});

/** Messages of one own id in two queues, published at nearly the same time; the second one is changed. */
const twoOfOneId = (h: Story, inDead: string) => {
  h.queue('dead');
  h.queue('q', { deadLetter: { queue: 'dead', maxReceives: 3 } });
  h.redrive([0.5, 0.6], 'dead', { toQueue: 'q' });
  h.publish([1, 1.1], 'own', { body: 'one', id: 'own' }, { ok: true, id: 'own' }, 'dead');
  h.publish([1.1, 1.2], 'own', { body: 'two', id: 'own' });
  h.call(
    'updateMessage',
    [2, 2.1],
    { queue: 'q', id: 'own' },
    { content: { body: 'changed' } },
    { id: 'own', visibleAt: instant(2) },
  );
  h.receive([3, 3.1], 'own', 'in q', 10, { body: 'changed', publishedAt: instant(1.1) });
  h.ack([4, 4.1], 'in q');
  h.receive([5, 5.1], 'own', 'in dead', 10, { body: inDead, publishedAt: instant(1.05) }, 'dead');
  h.ack([6, 6.1], 'in dead', { ok: true }, 'dead');
};

it('takes a changed message of an own id for the one that no other body proves', () => {
  expect(promisesBrokenBy((h) => twoOfOneId(h, 'one'), 100)).toEqual([]);
});

it('notices a message of an own id that carries a body which nobody published', () => {
  expect(promisesBrokenBy((h) => twoOfOneId(h, 'three'), 100)).toContain('body-intact');
});

it('takes a changed message for the one in its queue, though another of its own id was cancelled in another queue', () => {
  const broken = promisesBrokenBy((h) => {
    h.queue('q');
    h.queue('other');
    h.publish([0.5, 0.6], 'own', { body: 'elsewhere', id: 'own' }, { ok: true, id: 'own' }, 'other');
    h.publish([1, 1.1], 'own', { body: 'first', id: 'own' });
    h.call('cancelMessage', [2, 2.1], { queue: 'other', id: 'own' }, {}, {});
    const changed = { id: 'own', visibleAt: instant(3) };
    h.call('updateMessage', [3, 3.1], { queue: 'q', id: 'own' }, { content: { body: 'changed' } }, changed);
    h.publish([4, 9], 'own', { body: 'second', id: 'own' }, { ok: true, id: 'own', duplicate: true });
    h.receive([10, 10.1], 'own', 'one', 20, { body: 'changed' });
    h.ack([11, 11.1], 'one');
  });
  expect(broken).toEqual([]);
});

it('takes a changed message for the one that was published after a cancel in its own queue', () => {
  const broken = promisesBrokenBy((h) => {
    h.queue('q');
    h.publish([1, 1.1], 'own', { body: 'first', id: 'own' });
    h.call('cancelMessage', [1.2, 1.3], { queue: 'q', id: 'own' }, {}, {});
    h.publish([1.4, 1.5], 'own', { body: 'second', id: 'own' });
    const changed = { id: 'own', visibleAt: instant(3) };
    h.call('updateMessage', [3, 3.1], { queue: 'q', id: 'own' }, { content: { body: 'changed' } }, changed);
    h.receive([10, 10.1], 'own', 'one', 20, { body: 'changed', publishedAt: instant(1.3) });
    h.ack([11, 11.1], 'one');
  }, 500);
  expect(broken).toEqual([]);
});

it('takes a replaced message for the one in its queue, though another of its key was cancelled in another queue', () => {
  const broken = promisesBrokenBy((h) => {
    h.queue('q', { deduplication: { windowSeconds: 2, onDuplicate: 'replace' } });
    h.queue('other', { deduplication: { windowSeconds: 2, onDuplicate: 'replace' } });
    h.publish([0.5, 0.6], '@k', { body: 'elsewhere', dedupKey: 'k' }, { ok: true, id: '@k' }, 'other');
    h.publish([0.9, 1.1], '@k', { body: 'first', dedupKey: 'k' });
    h.publish([0.9, 0.9], '@k', { body: 'third', dedupKey: 'k' }, 'lost');
    h.publish([1.2, 1.3], '@k', { body: 'second', dedupKey: 'k' }, { ok: true, id: '@k', duplicate: true });
    h.call('cancelMessage', [2, 2.1], { queue: 'other', id: '@k' }, {}, {});
    h.receive([10, 10.1], '@k', 'one', 20, { body: 'second' });
    h.ack([11, 11.1], 'one');
  });
  expect(broken).toEqual([]);
});

it('tells a message whose body a publish replaced from the one that the retry of that publish made', () => {
  const replacedAndMade = (again: number) => (h: Story) => {
    h.queue('q', { deduplication: { windowSeconds: null, onDuplicate: 'replace' } });
    h.publish([1, 1.1], '@k', { body: 'first', dedupKey: 'k' });
    h.publish([2, 12], '@k', { body: 'second', dedupKey: 'k' });
    h.receive([3, 3.1], '@k', 'one', 30, { body: 'second', publishedAt: instant(1) });
    h.ack([5, 5.1], 'one');
    h.receive([20, 20.1], '@k', 'two', 40, { body: 'second', publishedAt: instant(again) });
    h.ack([21, 21.1], 'two');
  };
  expect(promisesBrokenBy(replacedAndMade(2), 500)).toEqual([]);
  expect(promisesBrokenBy(replacedAndMade(1), 500)).toContain('acked-never-comes-back');
});

it('lets a message keep its body that a receive may have held, and given back, while another was published under its key', () => {
  const replaced = (receiveEndsAt: number) => (h: Story) => {
    h.queue('q', { deduplication: { windowSeconds: null, onDuplicate: 'replace' } });
    h.publish([1, 1.1], '@k', { body: 'first', dedupKey: 'k' });
    h.call('receive', [1.2, receiveEndsAt], { queue: 'q' }, {}, { messages: [] });
    h.publish([90, 90.1], '@k', { body: 'second', dedupKey: 'k' }, { ok: true, id: '@k', duplicate: true });
    h.receive([95, 95.1], '@k', 'one', 120, { body: 'first' });
    h.ack([96, 96.1], 'one');
  };
  expect(promisesBrokenBy(replaced(91))).toEqual([]);
  expect(promisesBrokenBy(replaced(1.3))).toContain('body-intact');
});

it('tells an edited message from one that was published in the same millisecond under its key and came with its own body later', () => {
  const editedBesideAnother = (later: string) => (h: Story) => {
    h.queue('q', { deduplication: { windowSeconds: 1, onDuplicate: 'ignore' } });
    h.publish([1, 6], '@k', { body: 'first', dedupKey: 'k' });
    h.publish([1, 1.1], '@k', { body: 'second', dedupKey: 'k' });
    const changed = { id: '@k', visibleAt: instant(1) };
    h.call('updateMessage', [1.2, 1.3], { queue: 'q', id: '@k' }, { content: { body: 'changed' } }, changed);
    h.receive([3, 3.1], '@k', 'one', 30, { body: 'changed', publishedAt: instant(1) });
    h.ack([4, 4.1], 'one');
    h.receive([20, 20.1], '@k', 'two', 40, { body: later, publishedAt: instant(1) });
    h.ack([21, 21.1], 'two');
  };
  expect(promisesBrokenBy(editedBesideAnother('first'))).toEqual([]);
  expect(promisesBrokenBy(editedBesideAnother('changed'))).toContain('acked-never-comes-back');
});

it('takes an edited message for the one of its key that was visible by then, not for one published for a later instant', () => {
  const broken = promisesBrokenBy((h) => {
    h.queue('q', { deduplication: { windowSeconds: 30, onDuplicate: 'ignore' } });
    h.publish([1, 1.1], '@k', { body: 'first', dedupKey: 'k' }, 'lost');
    h.publish([1.02, 1.03], '@k', { body: 'second', dedupKey: 'k', deliverAt: instant(28) }, 'lost');
    const changed = { id: '@k', visibleAt: instant(1) };
    h.call('updateMessage', [1.2, 1.3], { queue: 'q', id: '@k' }, { content: { body: 'changed' } }, changed);
    h.receive([2, 2.1], '@k', 'one', 30, { body: 'changed', publishedAt: instant(1) });
    h.ack([3, 3.1], 'one');
  }, 100);
  expect(broken).toEqual([]);
});
