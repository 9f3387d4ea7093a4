/**
 * What callers are told when the store did not do as asked: what may have happened, and to try again. What the store said itself is for the log
 * alone: it may name hosts, tables and accounts.
 */
import type { Refused } from '../../contract/contract.ts';
import type { StoreError } from '../port/port.ts';
import type { Context } from './context.ts';

/** What may have become of it, by `StoreError.applied`. */
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
  unknown: 'The store did not answer in time; try again: what was done is found done.',
};
const outcomes = { publish: ofPublish, lease: ofLease };

/** Each failure is told to the log once, whatever number of entries it concerns. */
const logged = new WeakSet<StoreError>();

export function unavailableCall({ applied }: StoreError): string {
  return ofCall[applied];
}

export function unavailableEntry(ctx: Context, queue: string, what: keyof typeof outcomes, failure: StoreError): Refused {
  if (!logged.has(failure)) ctx.observe?.({ kind: 'unavailable', queue, detail: failure.message });
  logged.add(failure);
  return { ok: false, code: 'unavailable', message: outcomes[what][failure.applied] };
}
