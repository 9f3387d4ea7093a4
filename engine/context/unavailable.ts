/**
 * The messages that callers get when the store failed: what may have happened, and to try again. The store's own message
 * goes only to the log, because it may name hosts, tables and accounts.
 */
import type { Refused } from '../../contract/contract.ts';
import type { StoreError } from '../port/port.ts';
import type { Context } from './context.ts';

/** One message for each value of `StoreError.applied`. */
type Outcomes = Readonly<Record<StoreError['applied'], string>>;

const ofCall: Outcomes = {
  no: 'The store did not take the call in time; try again.',
  unknown: 'The store did not answer in time: the call may or may not have been done. Try again.',
};
const ofPublish: Outcomes = {
  no: 'The message was not published: the store did not take it in time. Try again.',
  unknown: 'The message may or may not have been published: the store did not answer in time.',
};
const ofLease: Outcomes = {
  no: 'The store did not take it in time; try again.',
  unknown: 'The store did not answer in time. A retry is safe.',
};
const outcomes = { publish: ofPublish, lease: ofLease };

/** Failures already logged. Each is logged once, even if it concerns several entries. */
const logged = new WeakSet<StoreError>();

export function unavailableCall({ applied }: StoreError): string {
  return ofCall[applied];
}

/** `of`: the name of a queue, or a topic. */
export function unavailableEntry(
  ctx: Context,
  of: string | { topic: string },
  what: keyof typeof outcomes,
  failure: StoreError,
): Refused {
  const addressee = typeof of === 'string' ? { queue: of } : of;
  if (!logged.has(failure)) ctx.observe?.({ kind: 'unavailable', ...addressee, detail: failure.message });
  logged.add(failure);
  return { ok: false, code: 'unavailable', message: outcomes[what][failure.applied] };
}
