/**
 * Receives that repeat another one under its attempt id, as calls: a message that a repeat returns with the receipt of before is an extend
 * of its lease, and checked like any other extend.
 */
import { attemptMsMax } from '../../../contract/limits.ts';
import type { Call } from '../run/history.ts';
import { type CallOf, callsOf, endOf } from './outcomes.ts';

/** A receive with an attempt id. */
export interface Attempt {
  /** As it was recorded. */
  call: CallOf<'receive'>;
  /** The receipts that it returned. */
  receipts: readonly string[];
  /** What it may have done to leases of earlier receives. */
  extends: readonly Call[];
}

export interface Attempts {
  calls: readonly Call[];
  attempts: readonly Attempt[];
}

/** The calls without repeated messages, and with extends in their place. */
export function withRepeatsAsExtends(made: readonly Call[], clockErrorMs: number): Attempts {
  const attempts: Attempt[] = [];
  const rewritten = new Map<Call, readonly Call[]>();
  const byId = Map.groupBy(
    callsOf(made, 'receive').filter(({ input }) => input.attemptId !== undefined),
    ({ params, input }) => JSON.stringify([params.queue, input.attemptId]),
  );
  for (const calls of byId.values()) {
    /** When the first receive with each receipt ended. It may have been remembered as late. */
    const known = new Map<string, number>();
    for (const call of calls) {
      const since = call.startedAt - attemptMsMax - 2 * clockErrorMs;
      const earlier = [...known].flatMap(([receipt, endedAt]) => (endedAt >= since ? [receipt] : []));
      const messages = 'output' in call.answer ? call.answer.output.messages : [];
      const given = messages.filter(({ receipt }) => earlier.includes(receipt));
      const others = earlier.filter((receipt) => !given.some((message) => message.receipt === receipt));
      const extended = extendOf(
        call,
        given.map(({ receipt }) => receipt),
        { output: { results: given.map(({ leasedUntil }) => ({ ok: true, leasedUntil })) } },
      );
      // What it does not return, it may have extended all the same.
      const maybe = extendOf(call, others, 'lost' in call.answer ? call.answer : { refused: 'unavailable', message: '' });
      const extends_ = [...extended, ...maybe];
      const fresh = messages.filter((message) => !given.includes(message));
      rewritten.set(call, [given.length === 0 ? call : { ...call, answer: { output: { messages: fresh } } }, ...extends_]);
      attempts.push({ call, receipts: messages.map(({ receipt }) => receipt), extends: extends_ });
      for (const { receipt } of fresh) known.set(receipt, endOf(call));
    }
  }
  return { calls: rewritten.size === 0 ? made : made.flatMap((call) => rewritten.get(call) ?? [call]), attempts };
}

function extendOf(
  { process, params, input, startedAt, endedAt }: CallOf<'receive'>,
  receipts: string[],
  answer: CallOf<'extend'>['answer'],
): Call[] {
  if (receipts.length === 0) return [];
  const { visibilityTimeoutSeconds } = input;
  const asked = visibilityTimeoutSeconds === undefined ? {} : { visibilityTimeoutSeconds };
  return [{ operation: 'extend', process, params, input: { receipts, ...asked }, answer, startedAt, endedAt }];
}
