/**
 * Limits a call to the time for which its caller waits: on Lambda, the remaining time of the function. No wait and no retry
 * begins that could not end in time. After that time, no request is sent to the store.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import { type Store, StoreError, type WriteOptions } from '../port/port.ts';
import type { Context } from './context.ts';

/** Reserved for the last attempt of a call, so that it ends in time. */
export const lastTryMs = 3_000;

/** The context for a call that must be answered by `endsAt` (ms of the clock). Undefined: no limit, the context is unchanged. */
export function withinTime(ctx: Context, endsAt: number | undefined): Context {
  return endsAt === undefined ? ctx : { ...ctx, store: closingAt(ctx, endsAt), lastTryAt: endsAt - lastTryMs };
}

/** Throws `unavailable` if a call that must wait `ms` cannot be answered in time. Call it before anything is changed. */
export function ensureTimeFor({ clock, lastTryAt }: Context, ms: number): void {
  if (lastTryAt !== undefined && clock.now() + ms > lastTryAt) {
    throw new DumbwaiterError('unavailable', 'The time left for this call is too short. Nothing was changed; try again.');
  }
}

/** The store with a time limit: it refuses requests that would begin later, including retries by the store's client. */
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
