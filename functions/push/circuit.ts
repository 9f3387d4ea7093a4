/**
 * The circuit of a target: after `targetFailuresMax` failures in a row it is broken, and one message at a time probes it until one
 * succeeds. Plain data: target-records.ts stores it, and the dispatcher decides by it.
 */
import { failedCharsMax, targetFailuresMax, targetProbeMsFirst, targetProbeMsMax } from '../../contract/limits.ts';

export interface Circuit {
  /** Failures in a row. */
  failures: number;
  /** Set while it is broken: when one message may probe it, and when and for how long it was broken last, ms. */
  broken?: { nextTryAt: number; brokenAt: number; waitMs: number };
  /** The URL answered 410: the target gets nothing until it is put again. */
  hasEnded?: true;
  error?: { at: number; message: string };
}

export const newCircuit: Circuit = { failures: 0 };

export interface Failure {
  message: string;
  /** The target cannot be called at all, such as a function that does not exist: further messages would only fail, too. */
  breaksAtOnce?: boolean;
}

/** How many deliveries may run: `all` that the target allows, one `probe`, or `none`. */
export function allowed({ broken, hasEnded }: Circuit, now: number): 'all' | 'probe' | 'none' {
  if (hasEnded) return 'none';
  if (!broken) return 'all';
  return broken.nextTryAt <= now ? 'probe' : 'none';
}

/** Returns the same object if nothing changes. A target that ended stays so, whatever its last deliveries come to. */
export function afterSuccess(circuit: Circuit): Circuit {
  if (circuit.hasEnded) return circuit;
  return circuit.failures === 0 && !circuit.broken ? circuit : newCircuit;
}

/** `startedAt`: when the delivery that failed began. Deliveries that began before the circuit broke do not lengthen its wait. */
export function afterFailure(circuit: Circuit, { message, breaksAtOnce }: Failure, startedAt: number, now: number): Circuit {
  const { broken, hasEnded } = circuit;
  if (hasEnded) return circuit;
  const failures = circuit.failures + 1;
  const next: Circuit = { ...circuit, failures, error: { at: now, message: message.slice(0, failedCharsMax).toWellFormed() } };
  if (broken && startedAt < broken.brokenAt) return next;
  if (!broken && !breaksAtOnce && failures < targetFailuresMax) return next;
  const waitMs = broken ? Math.min(2 * broken.waitMs, targetProbeMsMax) : targetProbeMsFirst;
  return { ...next, broken: { nextTryAt: now + waitMs, brokenAt: now, waitMs } };
}

export function afterEnd(circuit: Circuit, message: string, now: number): Circuit {
  if (circuit.hasEnded) return circuit;
  return { failures: circuit.failures + 1, hasEnded: true, error: { at: now, message } };
}
