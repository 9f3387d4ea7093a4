/**
 * The store of one process, over partitions of limited capacity. It retries throttled requests, and gives up, as the store's client and
 * `engine/dynamo/store.ts` do: keep it equal to them.
 */
import { type Key, type Row, type Store, StoreError, type Write, type Written } from '../../engine/port/port.ts';
import { isPublish, shardOf } from '../../engine/port/row-limits.ts';
import { type Answered, type AttemptsParts, createAttempts } from './attempts.ts';
import { type Load, loadOfRefused, loadOfWrite, type Partitions, partitionOf, readUnits, type Throttled } from './partitions.ts';

export interface CapacityStoreParts extends AttemptsParts {
  memory: Store;
  partitions: Partitions;
}

type Unconditional = Parameters<Store['writeAll']>[0][number];

/** These must equal the limits in `engine/dynamo/store.ts`. */
const batchWritesMax = 25;
const roundsMax = 8;
const backoffMsMin = 25;
const transactionFactor = 2;

export function createCapacityStore(parts: CapacityStoreParts): Store {
  const { memory, partitions, clock, random, counts } = parts;
  const attempt = createAttempts(parts);
  const listeners: ((shard: string, isPublish?: boolean) => void)[] = [];

  function reportHot(write: Pick<Write, 'key' | 'then'>): void {
    const shard = shardOf(write);
    if (shard !== undefined) for (const listener of listeners) listener(shard, isPublish(write));
  }

  function charge(kind: 'read' | 'write', loads: readonly Load[]): void {
    partitions.charge(kind, loads);
    const units = loads.reduce((sum, load) => sum + load.units, 0);
    if (kind === 'read') counts.readUnits += units;
    else counts.writeUnits += units;
  }

  async function rowAt(key: Key): Promise<Row | undefined> {
    const [row] = await memory.get([key]);
    return row;
  }

  /** The load of a write if it succeeds: on its own partition, and on the partitions of its index entries. */
  async function intended({ key, then }: Pick<Write, 'key' | 'then'>): Promise<Load[]> {
    const before = await rowAt(key);
    const after = 'put' in then ? then.put : 'remove' in then ? undefined : before;
    return loadOfWrite(key, before, after);
  }

  async function writeNow(write: Write): Promise<Answered<Written>> {
    const before = await rowAt(write.key);
    const throttled = partitions.throttled('write', await intended(write));
    if (throttled) return { throttled };
    const answer = await memory.write(write);
    if (answer.ok) charge('write', loadOfWrite(write.key, before, answer.row));
    else {
      counts.refused++;
      charge('write', loadOfRefused(write.key, before, 'put' in write.then ? write.then.put : undefined));
    }
    return { answer };
  }

  async function writePieceNow(writes: readonly Unconditional[]): Promise<Answered<Unconditional[]>> {
    const left: Unconditional[] = [];
    let reason: Throttled = 'key';
    for (const write of writes) {
      const answered = await writeNow(write);
      if (!('throttled' in answered)) continue;
      left.push(write);
      reason = answered.throttled;
    }
    // DynamoDB returns the writes that it did not process. It rejects the batch if it processed none.
    return left.length === writes.length ? { throttled: reason } : { answer: left };
  }

  async function writePiece(writes: readonly Unconditional[], by: number | undefined): Promise<(StoreError | undefined)[]> {
    let undone = [...writes];
    let failure: StoreError | undefined;
    for (let round = 0; round < roundsMax && undone.length > 0; round++) {
      if (round > 0) await clock.sleep(random.number() * backoffMsMin * 2 ** round);
      try {
        undone = await attempt(() => writePieceNow(undone), { by, onHotKey: () => undone.forEach(reportHot) });
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failure = error;
        break;
      }
      undone.forEach(reportHot);
    }
    if (undone.length > 0)
      failure ??= new StoreError(`rows were left unwritten in ${roundsMax} rounds`, 'no', undefined, 'throttled');
    return writes.map((write) => (undone.includes(write) ? failure : undefined));
  }

  async function readNow<Answer>(
    of: Load['of'],
    partition: string,
    read: () => Promise<{ answer: Answer; units: number }>,
  ): Promise<Answered<Answer>> {
    const throttled = partitions.throttled('read', [{ of, partition, units: 0 }]);
    if (throttled) return { throttled };
    const { answer, units } = await read();
    charge('read', [{ of, partition, units }]);
    return { answer };
  }

  return {
    onThrottled: (listener) => void listeners.push(listener),

    async get(keys) {
      const found = new Map<Key, Row | undefined>();
      const left = () => keys.filter((key) => !found.has(key));
      for (let round = 0; left().length > 0; round++) {
        if (round === roundsMax)
          throw new StoreError(`rows were left unread in ${roundsMax} rounds`, 'no', undefined, 'throttled');
        if (round > 0) await clock.sleep(random.number() * backoffMsMin * 2 ** round);
        await attempt(async (): Promise<Answered<true>> => {
          let reason: Throttled = 'key';
          const before = found.size;
          for (const key of left()) {
            const answered = await readNow(key.table, partitionOf(key), async () => {
              const row = await rowAt(key);
              return { answer: row, units: readUnits(row ? [row] : [], true) };
            });
            if ('answer' in answered) found.set(key, answered.answer);
            else reason = answered.throttled;
          }
          return found.size === before ? { throttled: reason } : { answer: true };
        });
      }
      return keys.map((key) => found.get(key));
    },

    range: (range) =>
      attempt(() =>
        readNow(range.index ?? range.table, range.partition, async () => {
          const answer = await memory.range(range);
          return { answer, units: readUnits(answer.rows, range.consistent ?? false) };
        }),
      ),

    write: (write, { by } = {}) => attempt(() => writeNow(write), { by, onHotKey: () => reportHot(write) }),

    async writeAll(writes, { by } = {}) {
      const pieces = Array.from({ length: Math.ceil(writes.length / batchWritesMax) }, (_, piece) =>
        writes.slice(piece * batchWritesMax, (piece + 1) * batchWritesMax),
      );
      return (await Promise.all(pieces.map((piece) => writePiece(piece, by)))).flat();
    },

    transact: (writes, { by } = {}) =>
      attempt(
        async () => {
          const loads = (await Promise.all(writes.map(intended))).flat();
          const doubled = loads.map((load) => ({ ...load, units: load.units * transactionFactor }));
          const throttled = partitions.throttled('write', doubled);
          if (throttled) return { throttled };
          charge('write', doubled);
          return { answer: await memory.transact(writes) };
        },
        { by },
      ),
  };
}
