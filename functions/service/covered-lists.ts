/** Lists the queues and topics that the caller's key covers. A page may have fewer than `limit` and still have a cursor. */
import type {
  ListedQueue,
  OutputOf,
  Page,
  Queue,
  QueueStatsPoint,
  QueuesPage,
  Topic,
  TopicStatsPoint,
  TopicsPage,
} from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { pageEntriesDefault } from '../../contract/limits.ts';
import type { Engine } from '../../engine/engine.ts';
import { coversQueue, type Principal } from '../auth/authorize.ts';
import { covers, coversAll } from '../auth/name-patterns.ts';

/** Maximum number of engine pages that one list reads to find what the key covers. */
const pagesReadMax = 10;

/** What lists show of statistics. */
export interface LastHours {
  lastHourOfQueue(queue: Pick<Queue, 'name' | 'createdAt'>): Promise<QueueStatsPoint[]>;
  lastHourOfTopic(topic: Pick<Topic, 'name' | 'createdAt'>): Promise<TopicStatsPoint[]>;
}

export interface CoveredLists {
  queues(input: QueuesPage, principal: Principal): Promise<OutputOf<'listQueues'>>;
  topics(input: TopicsPage, principal: Principal): Promise<OutputOf<'listTopics'>>;
}

export function coveredLists({ engine, stats }: { engine: Engine; stats: LastHours }): CoveredLists {
  /** Counts only what the key covers: what it does not cover is listed without counts, and left out. */
  async function countedQueues({ counts, ...input }: QueuesPage, principal: Principal): Promise<OutputOf<'listQueues'>> {
    const all = coversAll(principal.queues);
    const isCovered = ({ name }: Queue) => coversQueue(principal, name);
    const { entries, ...cursor } = await listCovered(input, all ? undefined : isCovered, async (asked) => {
      const { queues, ...next } = await engine.callChecked('listQueues', {}, { ...input, ...asked, ...(all && { counts }) });
      return { entries: queues, ...next };
    });
    if (all || !counts) return { queues: entries, ...cursor };
    const counted = await Promise.all(entries.map(({ name }) => countsOf(name)));
    return { queues: counted.flat(), ...cursor };
  }

  /** None if the queue was deleted meanwhile. */
  async function countsOf(queue: string): Promise<ListedQueue[]> {
    try {
      return [await engine.callChecked('getQueue', { queue }, {})];
    } catch (error) {
      if (error instanceof DumbwaiterError && error.code === 'queue_not_found') return [];
      throw error;
    }
  }

  return {
    async queues({ lastHour = false, ...input }, principal) {
      const { queues, ...cursor } = await countedQueues(input, principal);
      if (!lastHour) return { queues, ...cursor };
      const withPoints = async (queue: ListedQueue) => ({ ...queue, lastHour: await stats.lastHourOfQueue(queue) });
      return { queues: await Promise.all(queues.map(withPoints)), ...cursor };
    },
    async topics({ lastHour = false, ...input }, principal) {
      const { entries, ...cursor } = await listCovered(
        input,
        coversAll(principal.topics) ? undefined : ({ name }: Topic) => covers(principal.topics, name),
        async (asked) => {
          const { topics, ...next } = await engine.callChecked('listTopics', {}, asked);
          return { entries: topics, ...next };
        },
      );
      if (!lastHour) return { topics: entries, ...cursor };
      const withPoints = async (topic: Topic) => ({ ...topic, lastHour: await stats.lastHourOfTopic(topic) });
      return { topics: await Promise.all(entries.map(withPoints)), ...cursor };
    },
  };
}

interface Listed<Entry> {
  entries: Entry[];
  cursor?: string;
}

/** By default, all entries. */
async function listCovered<Entry>(
  { limit = pageEntriesDefault, cursor }: Page,
  isCovered: ((entry: Entry) => boolean) | undefined,
  read: (page: Page) => Promise<Listed<Entry>>,
): Promise<Listed<Entry>> {
  if (!isCovered) return read(page(limit, cursor));
  const entries: Entry[] = [];
  let next = cursor;
  for (let pages = 0; pages < pagesReadMax && entries.length < limit; pages++) {
    // Never read more than is still wanted, so that no entry that was read is left out before the cursor.
    const listed = await read(page(limit - entries.length, next));
    entries.push(...listed.entries.filter(isCovered));
    next = listed.cursor;
    if (next === undefined) return { entries };
  }
  return { entries, ...(next === undefined ? {} : { cursor: next }) };
}

function page(limit: number, cursor: string | undefined): Page {
  return cursor === undefined ? { limit } : { limit, cursor };
}
