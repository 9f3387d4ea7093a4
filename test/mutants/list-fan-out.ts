/** Mutants of publishes to topics: what ends with a subscription, publishes to many queues, and those in several transactions. */
import type { Mutant } from './mutant.ts';

const subscriptions: Mutant[] = [
  {
    name: 'an unsubscribe leaves the queue of the subscription',
    file: 'engine/topics/change-subscription.ts',
    find: 'if (ownsQueue) return [removal, ...queueDeletion(queue, ctx.clock.now())];',
    replace: 'if (ownsQueue) return [removal];',
  },
  {
    name: 'an unsubscribe leaves the subscription in the row of the queue into which it delivered',
    file: 'engine/topics/change-subscription.ts',
    find: 'return [removal, changedQueue(ctx, queue, { feeds })];',
    replace: 'return feeds ? [removal] : [];',
    tests: ['test/engine/subscriptions.test.ts'],
  },
  {
    name: 'two subscriptions of a topic deliver into one queue',
    file: 'engine/topics/subscribe.ts',
    find: '  if (other) {',
    replace: '  if (other && other.name === name) {',
  },
  {
    name: 'the subscriptions of a deleted topic stay',
    file: 'engine/sweep/topics.ts',
    find: 'if (!(await allDone(rows.map(readSubscription), deadline, (one) => remove(ctx, one)))) return false;',
    replace: 'if (!(await allDone(rows.map(readSubscription), deadline, async () => true))) return false;',
  },
  {
    name: 'the end of an ephemeral subscription ignores a receive',
    file: 'engine/queues/last-receive.ts',
    find: 'isNoteDue(record, now) ? { ...record, lastReceivedAt: now } : record,',
    replace: 'isNoteDue(record, now) ? { ...record } : record,',
    tests: ['test/engine/subscription-ends.test.ts'],
  },
];

const publishes: Mutant[] = [
  {
    name: 'a subscription gets messages that its filter does not match',
    file: 'engine/topics/matching.ts',
    find: 'subjectMatches(subjectTest, message) && filterMatches(clauses, filterScope, message),',
    replace: 'subjectMatches(subjectTest, message),',
  },
  {
    name: 'a subscription gets messages of other subjects',
    file: 'engine/topics/matching.ts',
    find: 'subjectMatches(subjectTest, message) && filterMatches(clauses, filterScope, message),',
    replace: 'filterMatches(clauses, filterScope, message),',
  },
  {
    name: 'a refused write of a publish to many queues is dropped',
    file: 'engine/topics/write-together.ts',
    find: '? delivery.again(inTheWay, sentAt) : delivery;',
    replace: "? ('nothing' as const) : delivery;",
    tests: ['test/engine/topic-groups.test.ts'],
  },
  {
    name: 'a publish to many queues takes the row of an own id for its own',
    file: 'engine/topics/delivery.ts',
    find: "if (seen.row?.version === lease.version) return 'applied';",
    replace: "if (seen.row) return 'applied';",
  },
  {
    name: 'a publish to many queues overwrites the message of an own id',
    file: 'engine/topics/delivery.ts',
    find: 'return under(absentAt(ctx.clock.now()));',
    replace: "return under({ not: { equals: [['version'], ''] } });",
  },
  {
    name: 'a publish answers the number of all subscriptions',
    file: 'engine/topics/publish-topic.ts',
    find: 'results[index] = { ok: true, id, subscriptions, ...(isDuplicate',
    replace: 'results[index] = { ok: true, id, subscriptions: shares.length, ...(isDuplicate',
  },
];

const publications: Mutant[] = [
  {
    name: 'a publication moves on in a write of its own',
    file: 'engine/topics/fan-out.ts',
    find: 'const outcome = await writeTogether(ctx, planned, fixed);',
    replace:
      'const outcome = await writeTogether(ctx, planned, beginning ? [beginning.write] : []);\n    if (change) await ctx.store.write(change);',
  },
  {
    name: 'a publication is removed too early',
    file: 'engine/topics/fan-out.ts',
    find: 'if (writes > writesMax && shares.length > 0) return { shares, after };',
    replace: 'if (writes > writesMax && shares.length > 0) return { shares, after: undefined };',
  },
  {
    name: 'no sweep carries on what a publisher has left',
    file: 'engine/sweep/publications.ts',
    find: "if (record.state === 'delivering') return carryOn(ctx, record, deadline.isOver);",
    replace: "if (record.state === 'delivering') return true;",
  },
  {
    name: 'a prepared publish goes out before its commit',
    file: 'engine/topics/prepared-publications.ts',
    find: "    state: 'prepared',",
    replace: "    state: 'delivering',",
  },
  {
    name: 'a prepared publish is rolled back before its time',
    file: 'engine/sweep/publications.ts',
    find: "(state === 'delivering' || state === 'prepared') && dueAt <= now",
    replace: "(state === 'delivering' && dueAt <= now) || state === 'prepared'",
  },
  {
    name: 'the commit of a publish that was rolled back is answered with success',
    file: 'engine/topics/prepared-publications.ts',
    find: 'if (record.state === asked) return { done: {} };',
    replace: "if (record.state === asked || asked === 'committed') return { done: {} };",
  },
  {
    name: 'a commit does not depend on the row of its publication',
    file: 'engine/topics/publication-record.ts',
    find: 'return { write: publicationWrite(record, decided), version };',
    replace: 'return { write: { key: publicationKey(record.name), then: { put: publicationRow(decided) } }, version };',
    tests: ['test/engine/topic-prepared.test.ts'],
  },
];

const sharedBodies: Mutant[] = [
  {
    name: 'the end of a message removes the body that others share',
    file: 'engine/model/content-codec.ts',
    find: 'return isShared(content) ? [] : chunkKeys(content);',
    replace: 'return chunkKeys(content);',
  },
  {
    name: 'a row that outlasts a shared body gets no copy of it',
    file: 'engine/model/content-codec.ts',
    find: 'return isShared(content) && (until === undefined ||',
    replace: 'return isShared(content) && until === 0 && (until === undefined ||',
    tests: ['test/engine/shared-bodies.test.ts'],
  },
  {
    name: 'a queue without retention shares a body',
    file: 'engine/publish/place-body.ts',
    find: '        if (retentionEnd === undefined) return placeOwn(text, room, newId, retentionEnd);\n',
    replace: '        retentionEnd ??= now;\n',
    tests: ['test/engine/shared-bodies.test.ts'],
  },
];

export const fanOut: readonly Mutant[] = [...subscriptions, ...publishes, ...publications, ...sharedBodies];
