/**
 * How long one call may take where its caller waits no longer: on Lambda, the time that the function has left. No wait and no retry begins
 * that could not end before it, and after it nothing is sent to the store any more.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { type Store, StoreError, type WriteOptions } from '../port/port.ts';
import type { Context } from './context.ts';

/** Kept for the last try of a call, so that it ends in time. */
export const lastTryMs = 3_000;

/** What a call works with that has to be answered by `endsAt` (clock's ms); as it was, where nothing is said. */
export function withinTime(ctx: Context, endsAt: number | undefined): Context {
  return endsAt === undefined ? ctx : { ...ctx, store: closingAt(ctx, endsAt), lastTryAt: endsAt - lastTryMs };
}

/** Throws `unavailable` where a call that has to wait for so long cannot be answered in time. Before anything is changed. */
export function ensureTimeFor({ clock, lastTryAt }: Context, ms: number): void {
  if (lastTryAt !== undefined && clock.now() + ms > lastTryAt) {
    throw new DumbwaiterError('unavailable', 'The time left for this call is too short. Nothing was changed; try again.');
  }
}

/** The store, as it is until then: a request that would begin later is refused, a retry of the AWS client too. */
function closingAt({ store, clock }: Context, endsAt: number): Store {
  const inTime = <T>(call: () => Promise<T>): Promise<T> =>
    clock.now() > endsAt ? Promise.reject(new StoreError('the time of the call is over', 'no')) : call();
  const atMost = ({ by = endsAt }: WriteOptions = {}) => ({ by: Math.min(by, endsAt) });
  return {
    get: (keys) => inTime(() => store.get(keys, { by: endsAt })),
    range: (range) => inTime(() => store.range(range, { by: endsAt })),
    write: (write, options) => inTime(() => store.write(write, atMost(options))),
    writeAll: (writes, options) => inTime(() => store.writeAll(writes, atMost(options))),
    transact: (writes, options) => inTime(() => store.transact(writes, atMost(options))),
  };
}
