/** Mutants of publishes to topics. */
import type { Mutant } from './mutant.ts';

const crashes = ['test/engine/topic-publications.test.ts'];
const failures = ['test/engine/topic-publish-failures.test.ts'];
const publishes = ['test/engine/topic-publish.test.ts'];
const prepared = ['test/engine/topic-prepared.test.ts'];

export const publications: readonly Mutant[] = [
  {
    name: 'a step of a publication overwrites a step of another process',
    file: 'engine/topics/publication-record.ts',
    find: "return { equals: [['version'], version] };",
    replace: "return version === '' ? { exists: ['version'] } : { exists: ['name'] };",
    tests: failures,
  },
  {
    name: 'a late copy of the request that begins a publication begins it again',
    file: 'engine/topics/publication-record.ts',
    find: "return { key: begunKey(publication), when: { absent: ['name'] }, then: { put } };",
    replace: 'return { key: begunKey(publication), then: { put } };',
    tests: failures,
  },
  {
    name: 'a publication whose first answer was lost is given up',
    file: 'engine/topics/fan-out.ts',
    find: 'if (beginning && !(await isBegun(beginning, error))) throw error;',
    replace: 'if (beginning) throw error;',
    tests: failures,
  },
  {
    name: 'a publisher whose step was not answered leaves the rest to a sweep',
    file: 'engine/topics/fan-out.ts',
    find: 'return row && readPublication(row);',
    replace: 'return row && undefined;',
    tests: failures,
  },
  {
    name: 'a step of a publication skips the subscription that did not fit',
    file: 'engine/topics/fan-out.ts',
    find: 'if (writes > writesMax && shares.length > 0) return { shares, after };',
    replace: 'if (writes > writesMax && shares.length > 0) return { shares, after: subscription.name };',
    tests: crashes,
  },
  {
    name: 'a publication reaches subscriptions that were added after it began',
    file: 'engine/topics/fan-out.ts',
    find: 'subscription.fromRevision > revision ? [] :',
    replace: 'subscription.fromRevision > revision + 1e6 ? [] :',
    tests: failures,
  },
  {
    name: 'a later publish to a group overtakes one whose publisher died',
    file: 'engine/topics/publications.ts',
    find: 'if (!messages.some(({ group }) => group !== undefined)) return;',
    replace: 'if (messages.length > 0) return;',
    tests: failures,
  },
  {
    name: 'the subscriptions of a deleted topic are removed while its messages go out',
    file: 'engine/sweep/topics.ts',
    find: 'if (await hasPublications(ctx, topic)) return false;',
    replace: '',
    tests: failures,
  },
  {
    name: 'a sweep takes a publication from a publisher that is at work',
    file: 'engine/sweep/publications.ts',
    find: '&& dueAt <= now));',
    replace: '&& dueAt <= now + 1e9));',
    tests: failures,
  },
  {
    name: 'a publish to a topic reaches a queue that was created again under its name',
    file: 'engine/topics/delivery.ts',
    find: 'queues.get(subscription.queue)?.incarnation === subscription.queueIncarnation);',
    replace: 'queues.has(subscription.queue));',
    tests: publishes,
  },
  {
    name: 'a publish to a topic ignores that one of its writes was refused',
    file: 'engine/topics/write-together.ts',
    find: "    return { seen: next.filter((delivery): delivery is Delivery => typeof delivery === 'object') };",
    replace: "    return { done: 'applied' };",
    tests: publishes,
  },
  {
    name: 'an id that an ended message gave up stays taken for publishes to a topic',
    file: 'engine/topics/delivery.ts',
    find: 'if (isFree(queue, seen, now)) return under(',
    replace: 'if (sentAt < 0 && isFree(queue, seen, now)) return under(',
    tests: publishes,
  },
  {
    name: 'a delay of a prepared publish counts from its publish',
    file: 'engine/topics/prepared-publications.ts',
    find: '    startedAt: ctx.clock.now(),\n    version',
    replace: '    version',
    tests: prepared,
  },
  {
    name: 'a prepared publish reaches the subscriptions of its publish, not those of its commit',
    file: 'engine/topics/prepared-publications.ts',
    find: '    revision,\n',
    replace: '',
    tests: prepared,
  },
  {
    name: 'a repeated prepared publish under an own id replaces the first',
    file: 'engine/topics/prepared-publications.ts',
    find: "let written = await put({ absent: ['name'] });",
    replace: "let written = await put({ not: { equals: [['version'], ''] } });",
    tests: prepared,
  },
  {
    name: 'a commit of a prepared publish to a topic applies twice',
    file: 'engine/topics/prepared-publications.ts',
    find: 'return await step(ctx, from, fanOut, { beginning: { write, isApplied } });',
    replace:
      'return await step(ctx, from, fanOut, { beginning: { write: { ...write, when: { exists: ["name"] } }, isApplied } });',
    tests: prepared,
  },
  {
    name: 'a step whose refused request is applied late removes its bodies',
    file: 'engine/topics/write-together.ts',
    find: 'for (const body of bodies) mayBeNamed.add(body);',
    replace: '',
    tests: ['test/engine/topic-lost-answers.test.ts'],
  },
];
