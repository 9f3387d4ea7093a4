import { expect, it } from 'vitest';
import { instant, type Story, story } from '../report/story.ts';
import { check } from './check.ts';

const promisesBrokenBy = (tell: (h: Story) => void, clockErrorMs = 0): string[] => {
  const told = story({ clockErrorMs, drainedAt: 100 });
  tell(told);
  return check(told.history()).map(({ promise }) => promise);
};

/** Two messages under one key with the same `publishedAt`: the second publish was slow, and was accepted after the ack of the first message. */
const twoOfOneKey = (h: Story, secondBody: string) => {
  h.queue('q', { deduplication: { windowSeconds: 2, onDuplicate: 'replace' } });
  h.publish([1, 1.1], '@k', { body: 'first', dedupKey: 'k' });
  h.publish([1, 6], '@k', { body: 'second', dedupKey: 'k' });
  h.receive([1.2, 1.3], '@k', 'one', 10, { body: 'first' });
  h.ack([2, 2.1], 'one');
  h.receive([10, 10.1], '@k', 'two', 20, { body: secondBody });
  h.ack([11, 11.1], 'two');
};

it('two messages of one key with the same publishedAt are distinguished by their bodies', () => {
  expect(promisesBrokenBy((h) => twoOfOneKey(h, 'second'))).toEqual([]);
});

it('the first of two messages of one key that comes back after its ack is reported, although the second has the same publishedAt', () => {
  expect(promisesBrokenBy((h) => twoOfOneKey(h, 'first'))).toContain('acked-never-comes-back');
});

/** Messages with one own id in two queues, published at nearly the same time. The second one is edited. */
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

it('an edited message with an own id is matched to the publish whose own body was not delivered', () => {
  expect(promisesBrokenBy((h) => twoOfOneId(h, 'one'), 100)).toEqual([]);
});

it('a message with an own id and a body that was never published is reported', () => {
  expect(promisesBrokenBy((h) => twoOfOneId(h, 'three'), 100)).toContain('body-intact');
});

it('an edited message is matched to the publish in its queue, although another with its own id was cancelled in another queue', () => {
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

it('an edited message is matched to the publish that followed a cancel in its queue', () => {
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

it('a replaced message is matched to the publish in its queue, although another of its key was cancelled in another queue', () => {
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

it('a message whose body a publish replaced is distinguished from the message that a retry of that publish made', () => {
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

it('a message may keep its body if a receive may have held it and given it back while another was published under its key', () => {
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

it('an edited message is distinguished from one that was published in the same millisecond under its key and was delivered unedited later', () => {
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

it('an edited message is matched to the publish of its key that was visible by then, not to one with a later instant', () => {
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

it('a message is matched to a publish before a long cancel that may have hit a later publish of its key', () => {
  const cancelled = (secondAt: [number, number]) => (h: Story) => {
    h.queue('dead');
    h.queue('q', {
      deduplication: { windowSeconds: null, onDuplicate: 'replace' },
      deadLetter: { queue: 'dead', maxReceives: 3 },
    });
    h.publish([1, 1.1], '@k', { body: 'first', dedupKey: 'k' });
    h.call('cancelMessage', [2, 60], { queue: 'q', id: '@k' }, {}, {});
    h.publish([3, 3.1], '@k', { body: 'second', dedupKey: 'k' }, { ok: true, id: '@k', duplicate: true });
    h.publish(secondAt, '@k', { body: 'third', dedupKey: 'k' });
    h.receive([80, 80.1], '@k', 'one', 90, { body: 'second', publishedAt: instant(1) });
    h.ack([81, 81.1], 'one');
  };
  expect(promisesBrokenBy(cancelled([4, 50]))).toEqual([]);
  expect(promisesBrokenBy(cancelled([61, 61.1]))).not.toEqual([]);
});
