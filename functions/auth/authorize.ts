/** Permissions of a caller: its scopes, and the queues to which they apply. */
import type { OperationName, Scope } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { routes } from '../../contract/routes.ts';
import { covers, coversAll } from './queue-patterns.ts';

/** An authenticated caller and its permissions. */
export interface Principal {
  /** For logs: a key's id, `admin` or `iam`. */
  id: string;
  scopes: readonly Scope[];
  queues: readonly string[];
  /** When the caller's key expires. Null or absent: never. */
  expiresAt?: string | null;
}

export const allScopes: readonly Scope[] = ['publish', 'receive', 'admin'];

/** A principal that may do everything: a caller with the first admin key, or one that IAM authorized. */
export function administrator(id: 'admin' | 'iam'): Principal {
  return { id, scopes: allScopes, queues: ['*'] };
}

/**
 * Operations that need a key for all queues. Keys belong to no queue. A schedule's queue is stored in its record and can change at any
 * time, so a check against that queue would be unreliable.
 */
const ofAllQueues: ReadonlySet<OperationName> = new Set([
  ...(['createKey', 'listKeys', 'revokeKey'] as const),
  ...(['putSchedule', 'getSchedule', 'updateSchedule', 'deleteSchedule', 'listSchedules'] as const),
]);

/**
 * Throws DumbwaiterError `forbidden`. The principal must also cover every queue that `input` names as a destination (of dead letters or of
 * a redrive). `input` may be unparsed.
 */
export function authorize(principal: Principal, operation: OperationName, params: object, input: unknown): void {
  const { scope } = routes[operation];
  if (scope === 'none') return;
  if (scope !== 'any' && !principal.scopes.includes(scope)) {
    throw new DumbwaiterError('forbidden', `This key lacks the scope ${scope}, which ${operation} needs.`);
  }
  if (ofAllQueues.has(operation) && !coversAll(principal.queues)) {
    throw new DumbwaiterError('forbidden', `${operation} needs a key for all queues (*).`);
  }
  const named = 'queue' in params && typeof params.queue === 'string' ? [params.queue] : [];
  for (const queue of [...named, ...targets(operation, input)]) {
    if (!covers(principal.queues, queue)) throw new DumbwaiterError('forbidden', `This key does not cover the queue ${queue}.`);
  }
}

function targets(operation: OperationName, input: unknown): string[] {
  if (typeof input !== 'object' || input === null) return [];
  if (operation === 'redrive') return 'toQueue' in input ? texts(input.toQueue) : [];
  if (operation !== 'createQueue' && operation !== 'updateQueue') return [];
  const deadLetter = 'deadLetter' in input ? input.deadLetter : undefined;
  return typeof deadLetter === 'object' && deadLetter !== null && 'queue' in deadLetter ? texts(deadLetter.queue) : [];
}

function texts(value: unknown): string[] {
  return typeof value === 'string' ? [value] : [];
}
