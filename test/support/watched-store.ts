/** A store that counts what is asked of it, and lets a test step in between. */
import type { Key, Store, StoreError, Write } from '../../engine/port/port.ts';

export interface Tally {
  gets: number;
  ranges: number;
  /** Puts into `messages` and `leases`; updates of `leases`; removals. Applied ones. */
  puts: number;
  updates: number;
  removals: number;
  /** Conditional writes that were refused: charged all the same. */
  refused: number;
  transactions: number;
}

export interface WatchedStore {
  store: Store;
  /** Counts since the last call of this. */
  take(): Tally;
  /** Rows that ranges answered since the last call of this. */
  takeRows(): number;
  /** Called before each call of the store; what it throws, the caller gets. */
  before: (call: { method: keyof Store; keys: readonly Key[] }) => void | Promise<void>;
}

export const noCalls: Tally = { gets: 0, ranges: 0, puts: 0, updates: 0, removals: 0, refused: 0, transactions: 0 };

export function watchStore(inner: Store): WatchedStore {
  let tally = { ...noCalls };
  let rowsRead = 0;
  const count = ({ then }: Pick<Write, 'then'>) => {
    if ('put' in then) tally.puts++;
    else if ('remove' in then) tally.removals++;
    else tally.updates++;
  };
  const watched: WatchedStore = {
    take() {
      const taken = tally;
      tally = { ...noCalls };
      return taken;
    },
    takeRows() {
      const taken = rowsRead;
      rowsRead = 0;
      return taken;
    },
    before: () => {},
    store: {
      async get(keys) {
        await watched.before({ method: 'get', keys });
        tally.gets++;
        return inner.get(keys);
      },
      async range(range) {
        await watched.before({ method: 'range', keys: [] });
        tally.ranges++;
        const answer = await inner.range(range);
        rowsRead += answer.rows.length;
        return answer;
      },
      async write(write, options) {
        await watched.before({ method: 'write', keys: [write.key] });
        const written = await inner.write(write, options);
        if (written.ok) count(write);
        else tally.refused++;
        return written;
      },
      async writeAll(writes, options) {
        await watched.before({ method: 'writeAll', keys: writes.map(({ key }) => key) });
        const errors: (StoreError | undefined)[] = await inner.writeAll(writes, options);
        writes.forEach((write, index) => {
          if (!errors[index]) count(write);
        });
        return errors;
      },
      async transact(writes, options) {
        await watched.before({ method: 'transact', keys: writes.map(({ key }) => key) });
        const result = await inner.transact(writes, options);
        tally.transactions++;
        if (result.ok) for (const write of writes) count(write);
        else tally.refused += writes.length;
        return result;
      },
    },
  };
  return watched;
}
