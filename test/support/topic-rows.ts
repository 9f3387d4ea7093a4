/** What a table of queues holds of topics, for tests that check it as a whole. */
import { expect } from 'vitest';
import type { Row } from '../../engine/port/port.ts';

export interface TopicRows {
  topics: Row[];
  subscriptions: Row[];
  /** Names of the queues that subscriptions own. */
  owned: string[];
}

export async function topicRows({ rows }: { rows: (table: 'queues') => Promise<Row[]> }): Promise<TopicRows> {
  const all = await rows('queues');
  const of = (kind: string) => all.filter((row) => row.kind === kind);
  const owned = of('queue').filter(({ subscription }) => subscription !== undefined);
  return { topics: of('topic'), subscriptions: of('subscription'), owned: owned.map(({ name }) => name as string).sort() };
}

/** Every topic counts its subscriptions and their filters, and exactly these have rows and queues. Returns the names of the owned queues. */
export async function expectConsistent(driven: { rows: (table: 'queues') => Promise<Row[]> }): Promise<string[]> {
  const { topics, subscriptions, owned } = await topicRows(driven);
  const queues = (await driven.rows('queues')).filter(({ kind }) => kind === 'queue');
  for (const { topic, incarnation, subscriptions: count, filterBytes } of topics) {
    const own = subscriptions.filter(({ topicIncarnation }) => topicIncarnation === incarnation);
    const bytes = own.reduce((sum, { filter = '' }) => sum + Buffer.byteLength(filter as string), 0);
    expect({ topic, count, filterBytes }).toEqual({ topic, count: own.length, filterBytes: bytes });
  }
  const owning = subscriptions.filter(({ ownsQueue }) => ownsQueue);
  expect(owning.map(({ queue }) => queue).sort()).toEqual(owned);
  const feeding = subscriptions.filter(({ ownsQueue }) => !ownsQueue);
  const fed = queues.flatMap(({ name, feeds = {} }) => Object.keys(feeds as object).map((topic) => `${topic} ${name}`));
  expect(fed.sort()).toEqual(feeding.map(({ topicIncarnation, queue }) => `${topicIncarnation} ${queue}`).sort());
  return owned;
}
