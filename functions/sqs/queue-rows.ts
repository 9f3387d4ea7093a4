/**
 * What SQS knows of a queue besides its settings: attributes that only SQS has, tags, its last purge and its move tasks. One row of
 * `queues` for each queue, written with the first change. It counts only for the incarnation of the queue for which it was written.
 */
import { settingsCacheMs } from '../../contract/limits.ts';
import { type QueueRecord, queueKey, readQueue } from '../../engine/model/queue-record.ts';
import { sqsKey, sqsKind } from '../../engine/model/rows-by-name.ts';
import type { Clock, Store } from '../../engine/port/port.ts';
import { untilDone } from '../../engine/port/until-done.ts';
import { noSuchQueue } from './errors.ts';
import type { Tags } from './tags.ts';

/** Queues whose settings one process caches. */
const cachedMax = 10_000;

export interface SqsExtras {
  /** By the names of SQS, as they were set. */
  attributes: { [name: string]: string };
  tags: Tags;
  /** When attributes were changed last, ms. */
  updatedAt?: number;
  /** When the last purge began, ms. */
  purgedAt?: number;
  /** The last move tasks, newest first. */
  moves: MoveRecord[];
  /** The call that is about to begin a move task. No other may until then, ms, unless the call ends before. */
  beginning?: { by: string; until: number };
}

export interface MoveRecord {
  task: string;
  destinationArn?: string;
  ratePerSecond?: number;
  /** How many messages there were to move when the task began. */
  toMove: number;
}

export interface SqsQueue {
  record: QueueRecord;
  extras: SqsExtras;
  /** Whether the row exists for this incarnation. */
  isStored: boolean;
  version: number;
}

export interface QueueRows {
  /** Undefined if there is no such queue. */
  find(name: string): Promise<SqsQueue | undefined>;
  /** Throws `QueueDoesNotExist`. */
  read(name: string): Promise<SqsQueue>;
  /** The same, at most `settingsCacheMs` old. */
  cached(name: string): Promise<SqsQueue>;
  /** Changes the extras, again if another process changed them meanwhile. Throws `QueueDoesNotExist`. */
  change(name: string, next: (queue: SqsQueue) => SqsExtras): Promise<void>;
  /** Removes the row of a deleted queue. */
  forget(name: string): Promise<void>;
}

export function createQueueRows({ store, clock }: { store: Store; clock: Clock }): QueueRows {
  const cache = new Map<string, { queue: SqsQueue; until: number }>();

  async function find(name: string): Promise<SqsQueue | undefined> {
    const until = clock.now() + settingsCacheMs;
    const [row, extrasRow] = await store.get([queueKey(name), sqsKey(name)]);
    if (!row) {
      cache.delete(name);
      return undefined;
    }
    const record = readQueue(row);
    const version = (extrasRow?.version as number | undefined) ?? 0;
    const isCurrent = extrasRow?.incarnation === record.incarnation;
    const stored = isCurrent ? (JSON.parse(extrasRow.extras as string) as SqsExtras) : undefined;
    const queue = { record, version, isStored: isCurrent, extras: stored ?? { attributes: {}, tags: {}, moves: [] } };
    if (cache.size >= cachedMax) cache.clear();
    cache.set(name, { queue, until });
    return queue;
  }

  async function read(name: string): Promise<SqsQueue> {
    const queue = await find(name);
    if (!queue) throw noSuchQueue();
    return queue;
  }

  return {
    find,
    read,
    async cached(name) {
      const known = cache.get(name);
      return known !== undefined && known.until > clock.now() ? known.queue : read(name);
    },
    async change(name, next) {
      await untilDone(`the SQS attributes of "${name}"`, await read(name), async (queue) => {
        const { record, version } = queue;
        const written = await store.write({
          key: sqsKey(name),
          when: version === 0 ? { absent: ['version'] } : { equals: [['version'], version] },
          then: {
            put: {
              kind: sqsKind,
              name,
              version: version + 1,
              incarnation: record.incarnation,
              extras: JSON.stringify(next(queue)),
            },
          },
        });
        cache.delete(name);
        return written.ok ? { done: undefined } : { seen: await read(name) };
      });
    },
    async forget(name) {
      cache.delete(name);
      await store.write({ key: sqsKey(name), then: { remove: true } });
    },
  };
}
