/** A store that counts its calls, and calls a test before each of them. */
import type { Key, Store, StoreError, Write } from '../../engine/port/port.ts';

export interface CallCounts {
  gets: number;
  ranges: number;
  /** Applied puts into `messages` and `leases`, updates of `leases`, and removals. */
  puts: number;
  updates: number;
  removals: number;
  /** Refused conditional writes, which are billed too. */
  refused: number;
  transactions: number;
}

export interface StoreSpy {
  store: Store;
  /** The counts since the last call of this. */
  takeCounts(): CallCounts;
  /** The rows that ranges returned since the last call of this. */
  takeRowsRead(): number;
  /** Called before each call of the store. The caller of the store gets what it throws. */
  before: (call: { method: keyof Store; keys: readonly Key[] }) => void | Promise<void>;
}

export const noCalls: CallCounts = { gets: 0, ranges: 0, puts: 0, updates: 0, removals: 0, refused: 0, transactions: 0 };

export function spyOnStore(inner: Store): StoreSpy {
  let counts = { ...noCalls };
  let rowsRead = 0;
  const count = ({ then }: Pick<Write, 'then'>) => {
    if ('put' in then) counts.puts++;
    else if ('remove' in then) counts.removals++;
    else counts.updates++;
  };
  const spy: StoreSpy = {
    takeCounts() {
      const taken = counts;
      counts = { ...noCalls };
      return taken;
    },
    takeRowsRead() {
      const taken = rowsRead;
      rowsRead = 0;
      return taken;
    },
    before: () => {},
    store: {
      async get(keys) {
        await spy.before({ method: 'get', keys });
        counts.gets++;
        return inner.get(keys);
      },
      async range(range) {
        await spy.before({ method: 'range', keys: [] });
        counts.ranges++;
        const answer = await inner.range(range);
        rowsRead += answer.rows.length;
        return answer;
      },
      async write(write, options) {
        await spy.before({ method: 'write', keys: [write.key] });
        const written = await inner.write(write, options);
        if (written.ok) count(write);
        else counts.refused++;
        return written;
      },
      async writeAll(writes, options) {
        await spy.before({ method: 'writeAll', keys: writes.map(({ key }) => key) });
        const errors: (StoreError | undefined)[] = await inner.writeAll(writes, options);
        writes.forEach((write, index) => {
          if (!errors[index]) count(write);
        });
        return errors;
      },
      async transact(writes, options) {
        await spy.before({ method: 'transact', keys: writes.map(({ key }) => key) });
        const result = await inner.transact(writes, options);
        counts.transactions++;
        if (result.ok) for (const write of writes) count(write);
        else counts.refused += writes.length;
        return result;
      },
    },
  };
  return spy;
}

/** For `before`: throws at the write of this number and at each later one, as if the process had died. */
export function dyingAtWrite(number: number): StoreSpy['before'] {
  let writes = 0;
  return ({ method }) => {
    if (method !== 'get' && method !== 'range' && ++writes >= number) throw new Error('died');
  };
}
