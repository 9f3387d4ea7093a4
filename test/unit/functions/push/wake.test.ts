import { expect, it } from 'vitest';
import { queuesToDispatch } from '../../../../functions/push/wake.ts';
import { secondMs } from '../../../support/durations.ts';
import { eventually } from '../../../support/eventually.ts';
import { createPushBed } from '../../../support/push-bed.ts';
import { range } from '../../../support/range.ts';

it('only queues that have a free target with something to do are dispatched', async () => {
  const bed = createPushBed();
  const one = bed.process();
  for (const queue of ['q', 'paused', 'plain']) await one.engine.call('createQueue', { queue }, {});
  await one.targets.put('q', 'f', { functionName: 'fn' });
  await one.targets.put('paused', 'f', { functionName: 'fn', paused: true });
  const among = { queues: ['q', 'paused', 'plain', 'missing'] };
  expect(await queuesToDispatch(one, among)).toEqual(new Set(['q']));
  expect(await queuesToDispatch(one, { queues: ['plain'] })).toEqual(new Set());
  const { queue } = (await one.records.ofQueue('q'))!;
  expect(await queuesToDispatch(one, { incarnations: new Set([queue.incarnation]) })).toEqual(new Set(['q']));

  const running = Promise.withResolvers<string>();
  bed.invoke = () => running.promise;
  await one.engine.call('publish', { queue: 'q' }, { messages: [{ body: 1 }] });
  const draining = one.drain();
  await eventually(() => bed.events.length === 1);
  expect(await queuesToDispatch(one, among)).toEqual(new Set());
  running.resolve('');
  await draining;
  expect(await queuesToDispatch(one, among)).toEqual(new Set(['q']));
});

it('a broken target is dispatched when its next try is due', async () => {
  const bed = createPushBed();
  const one = bed.process();
  await one.engine.call('createQueue', { queue: 'q' }, {});
  await one.targets.put('q', 'f', { functionName: 'fn' });
  await one.engine.call('publish', { queue: 'q' }, { messages: [{ body: 1 }] });
  bed.invoke = async () => {
    throw Object.assign(new Error('none'), { name: 'ResourceNotFoundException' });
  };
  await one.drain();
  expect(await queuesToDispatch(one, { queues: ['q'] })).toEqual(new Set());
  bed.clock.advance(10 * secondMs);
  expect(await queuesToDispatch(one, { queues: ['q'] })).toEqual(new Set(['q']));
});

it('records of a few busy queues read the targets of these queues only, once in two seconds, and those of many read all at once', async () => {
  const bed = createPushBed();
  const one = bed.process();
  const incarnations: string[] = [];
  for (const at of range(30)) {
    await one.engine.call('createQueue', { queue: `q${at}` }, {});
    await one.targets.put(`q${at}`, 'f', { functionName: 'fn' });
    incarnations.push((await one.records.ofQueue(`q${at}`))!.queue.incarnation);
  }
  const dispatched = (count: number) => queuesToDispatch(one, { incarnations: new Set(incarnations.slice(0, count)) });
  one.spy.takeCounts();
  one.spy.takeRowsRead();
  for (let event = 0; event < 5; event++) expect(await dispatched(2)).toEqual(new Set(['q0', 'q1']));
  expect(one.spy.takeCounts()).toMatchObject({ ranges: 2 });
  expect(one.spy.takeRowsRead()).toBe(2);
  await one.targets.remove('q0', 'f');
  expect(await dispatched(2)).toEqual(new Set(['q1']));
  one.spy.takeCounts();
  expect((await dispatched(30)).size).toBe(29);
  expect(one.spy.takeCounts()).toMatchObject({ ranges: 1 });
});

it('a process asks the store for targets once in two seconds, and for nothing more where no queue has one', async () => {
  const bed = createPushBed();
  const one = bed.process();
  await one.engine.call('createQueue', { queue: 'q' }, {});
  one.spy.takeCounts();
  for (let event = 0; event < 5; event++) expect(await queuesToDispatch(one, { queues: ['q'] })).toEqual(new Set());
  expect(one.spy.takeCounts()).toMatchObject({ ranges: 1, gets: 0 });
  bed.clock.advance(2 * secondMs);
  await queuesToDispatch(one, { queues: ['q'] });
  expect(one.spy.takeCounts()).toMatchObject({ ranges: 1, gets: 0 });
});
