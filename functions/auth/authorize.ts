/** Permissions of a caller: its scopes, and the queues and topics to which they apply. */
import type { OperationName, Scope } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { routes } from '../../contract/routes.ts';
import { fullAccess, includesScope } from '../../contract/scopes.ts';
import { covers, coversAll } from './name-patterns.ts';

/** An authenticated caller and its permissions. */
export interface Principal {
  /** For logs: a key's id, `admin` or `iam`. */
  id: string;
  /** Of a key. */
  name?: string;
  scopes: readonly Scope[];
  queues: readonly string[];
  topics: readonly string[];
  /** When the caller's key expires. Null or absent: never. */
  expiresAt?: string | null;
}

/** A principal that may do everything: a caller with the first admin key, or one that IAM authorized. */
export function administrator(id: 'admin' | 'iam'): Principal {
  return { id, scopes: fullAccess, queues: ['*'], topics: ['*'] };
}

/** Keys, the audit and the status belong to no queue or topic. */
const ofKeys: ReadonlySet<OperationName> = new Set(['createKey', 'listKeys', 'revokeKey', 'listAudit', 'getStatus']);

/** A schedule's queue is stored in its record and can change at any time, so a check against that queue would be unreliable. */
const ofSchedules: ReadonlySet<OperationName> = new Set([
  'putSchedule',
  'getSchedule',
  'updateSchedule',
  'deleteSchedule',
  'listSchedules',
]);

/**
 * Throws DumbwaiterError `forbidden`. The principal must also cover every queue that `input` names as a destination (of dead letters, of
 * a redrive, of a subscription). `input` may be unparsed.
 */
export function authorize(principal: Principal, operation: OperationName, params: object, input: unknown): void {
  const { scope } = routes[operation];
  if (scope === 'none') return;
  if (scope !== 'any') checkScope(principal, scope, operation);
  if (operation === 'subscribe' && asksPublishers(input)) checkScope(principal, 'admin', 'settings.prepared.checkBack');
  const needsAllQueues = ofKeys.has(operation) || ofSchedules.has(operation);
  if (needsAllQueues && !coversAll(principal.queues)) {
    throw new DumbwaiterError('forbidden', `${operation} needs a key for all queues (*).`);
  }
  if (ofKeys.has(operation) && !coversAll(principal.topics)) {
    throw new DumbwaiterError('forbidden', `${operation} needs a key for all topics (*).`);
  }
  for (const topic of texts(memberOf(params, 'topic'))) {
    if (!covers(principal.topics, topic)) throw new DumbwaiterError('forbidden', `This key does not cover the topic ${topic}.`);
  }
  for (const queue of [...texts(memberOf(params, 'queue')), ...destinations(operation, input)]) {
    if (!coversQueue(principal, queue)) throw new DumbwaiterError('forbidden', `This key does not cover the queue ${queue}.`);
  }
}

/** Throws DumbwaiterError `forbidden` unless the principal may administer everything. */
export function authorizeReset(principal: Principal): void {
  checkScope(principal, 'admin', 'reset');
  if (coversAll(principal.queues) && coversAll(principal.topics)) return;
  throw new DumbwaiterError('forbidden', 'reset needs a key for all queues and all topics (*).');
}

function checkScope({ scopes }: Principal, scope: Scope, what: string): void {
  if (includesScope(scopes, scope)) return;
  throw new DumbwaiterError('forbidden', `This key lacks the scope ${scope}, which ${what} needs.`);
}

/** Whether a subscription's queue asks an address about prepared messages: the queue calls it from where the queue runs. */
function asksPublishers(subscription: unknown): boolean {
  const checkBack = memberOf(memberOf(memberOf(subscription, 'settings'), 'prepared'), 'checkBack');
  return checkBack !== undefined && checkBack !== null;
}

/** A queue that a subscription owns, `{topic}~{subscription}`, is also covered through its topic. */
export function coversQueue({ queues, topics }: Pick<Principal, 'queues' | 'topics'>, queue: string): boolean {
  const [topic = '', subscription] = queue.split('~');
  return covers(queues, queue) || (subscription !== undefined && covers(topics, topic));
}

function destinations(operation: OperationName, input: unknown): string[] {
  switch (operation) {
    case 'redrive':
      return texts(memberOf(input, 'toQueue'));
    case 'createQueue':
    case 'updateQueue':
      return deadLetterQueue(input);
    case 'createTopic':
    case 'updateTopic':
      return deadLetterQueue(memberOf(input, 'queueSettings'));
    case 'subscribe':
      return [...texts(memberOf(input, 'queue')), ...deadLetterQueue(memberOf(input, 'settings'))];
    default:
      return [];
  }
}

function deadLetterQueue(settings: unknown): string[] {
  return texts(memberOf(memberOf(settings, 'deadLetter'), 'queue'));
}

/** A field of an object; undefined for any other value. */
function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function texts(value: unknown): string[] {
  return typeof value === 'string' ? [value] : [];
}
