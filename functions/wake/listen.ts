/**
 * Accepts the listens of idle consumers. `functions/wake/` tells consumers that wait on a WebSocket when a queue has messages: start
 * here. `listener-rows.ts` and `wake-listeners.ts` are for AWS, where no process keeps the connections; `functions/local/wake-server.ts`
 * keeps them in a server.
 */
import { invalidInput } from '../../contract/errors.ts';
import { wakeRequestBytesMax } from '../../contract/limits.ts';
import { parseParams } from '../../contract/schemas/parse.ts';
import type { WakeRequest } from '../../contract/wake.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Clock } from '../../engine/port/port.ts';
import type { Keys } from '../auth/api-keys.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { administrator, authorize, type Principal } from '../auth/authorize.ts';

const administratorId = administrator('admin').id;

/** A listen that is allowed. */
export interface Listening {
  queue: string;
  incarnation: string;
  /** Of a message whose end is waited for. Undefined: the listen is for messages to receive. */
  id?: string;
  /** By whose key. */
  principal: Principal;
  /** When something in the queue is next due, if that is ahead. */
  dueInMs?: number;
}

export interface ListenParts {
  engine: Pick<Engine, 'nextDue'>;
  authenticate: Authenticate;
  clock: Pick<Clock, 'now'>;
}

/** Throws DumbwaiterError `invalid_input` for a text that is no request. The message does not repeat the text: it may hold a key. */
export function readRequest(text: string): WakeRequest {
  if (Buffer.byteLength(text) > wakeRequestBytesMax) {
    throw invalidInput(`the request has more than ${wakeRequestBytesMax} bytes`);
  }
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw invalidInput('the request is not JSON');
  }
  const { action, queue, key, id } = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>;
  if (action === 'keep') return { action };
  if (action !== 'listen') throw invalidInput('action: must be "listen" or "keep"');
  if (typeof key !== 'string') throw invalidInput('key: must be an API key');
  if (id !== undefined) return { action, ...parseParams('getMessage', { queue, id }), key };
  return { action, queue: parseParams('receive', { queue }).queue, key };
}

/** Throws DumbwaiterError: the key must be allowed to receive from the queue, or to read the message. */
export async function acceptListen(
  { engine, authenticate, clock }: ListenParts,
  { queue, key, id }: Extract<WakeRequest, { action: 'listen' }>,
): Promise<Listening> {
  const principal = await authenticate(`Bearer ${key}`);
  authorize(principal, id === undefined ? 'receive' : 'getMessage', { queue }, {});
  const { incarnation, dueAt } = await engine.nextDue(queue);
  if (id !== undefined) return { queue, incarnation, id, principal };
  const dueInMs = dueAt === undefined ? 0 : dueAt - clock.now();
  return { queue, incarnation, principal, ...(dueInMs > 0 && { dueInMs }) };
}

/** Whether the key of an earlier listen still gives access: it may have been revoked since, or be over. */
export async function stillCounts(keys: Pick<Keys, 'find' | 'isOver'>, principalId: string): Promise<boolean> {
  if (principalId === administratorId) return true;
  const key = await keys.find(principalId);
  return key !== undefined && !keys.isOver(key);
}
