/** A store that fails once, at a call that the test chooses. */
import { type Store, StoreError, type Write } from '../../engine/port/port.ts';

/** The process of the caller has died. */
export class Killed extends Error {}

/** The ways in which a call of the store may fail. */
export const faults = {
  'its process dies before the call': { isMade: false, thrown: () => new Killed() },
  'its process dies after the call': { isMade: true, thrown: () => new Killed() },
  'the answer is lost': { isMade: true, thrown: () => new StoreError('the answer was lost', 'unknown') },
  'the request is lost': { isMade: false, thrown: () => new StoreError('the request was lost', 'unknown') },
  'the request is refused': { isMade: false, thrown: () => new StoreError('too busy', 'no', undefined, 'throttled') },
} as const;
export type Fault = (typeof faults)[keyof typeof faults];

/**
 * A store that fails at the call of this number, or the write. A dead process makes no more calls. Transactions are recorded, to be
 * sent again.
 */
export function failingStore(store: Store, at: number, { isMade, thrown }: Fault, counted: 'calls' | 'writes' = 'calls') {
  const seen = { calls: 0, isDead: false, transactions: [] as (readonly Write[])[] };
  const failing = async <T>(run: () => Promise<T>, writes = true): Promise<T> => {
    if (seen.isDead) throw new Killed();
    if (!writes && counted === 'writes') return run();
    if (seen.calls++ !== at) return run();
    if (isMade) await run();
    const error = thrown();
    seen.isDead = error instanceof Killed;
    throw error;
  };
  const over: Store = {
    get: (keys) => failing(() => store.get(keys), false),
    range: (range) => failing(() => store.range(range), false),
    write: (write, options) => failing(() => store.write(write, options)),
    writeAll: (writes, options) => failing(() => store.writeAll(writes, options)),
    transact(writes, options) {
      seen.transactions.push(writes);
      return failing(() => store.transact(writes, options));
    },
  };
  return { over, seen };
}
