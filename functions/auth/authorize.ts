/** What a caller may do: its scopes, and the queues that they hold for. */
import { type OperationName, routes, type Scope } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { covers, coversAll } from './queue-patterns.ts';

/** Who calls, and what they may do. */
export interface Principal {
  /** For logs: a key's id, `admin` or `iam`. */
  id: string;
  scopes: readonly Scope[];
  queues: readonly string[];
  /** Of a key that expires. */
  expiresAt?: string | null;
}

export const allScopes: readonly Scope[] = ['publish', 'receive', 'admin'];

/** May do everything: who holds the first admin key, or was let in by IAM. */
export function administrator(id: 'admin' | 'iam'): Principal {
  return { id, scopes: allScopes, queues: ['*'] };
}

/**
 * Those that stand beside the queues. A schedule's queue is known from its record alone, and may be another a moment later: who may
 * touch one may touch all.
 */
const ofAllQueues: ReadonlySet<OperationName> = new Set([
  ...(['createKey', 'listKeys', 'revokeKey'] as const),
  ...(['putSchedule', 'getSchedule', 'updateSchedule', 'deleteSchedule', 'listSchedules'] as const),
]);

/**
 * Throws DumbwaiterError `forbidden`. `input` need not be parsed: a queue that it names besides the path's (where dead
 * letters or a redrive go to) takes messages, and needs `admin` as well.
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
