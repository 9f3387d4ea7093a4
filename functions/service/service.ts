/**
 * Runs every operation of the contract, whatever the transport: HTTP or Lambda invoke.
 * This folder holds what all transports and Lambda entries share around the engine: permission checks, logs, and calls to publishers.
 */

import type {
  CheckedInputOf,
  OperationName,
  OutputOf,
  Page,
  ParamsOf,
  Queue,
  Target,
  TargetInput,
} from '../../contract/contract.ts';
import { pageEntriesDefault } from '../../contract/limits.ts';
import { routes } from '../../contract/routes.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Keys } from '../auth/api-keys.ts';
import { authorize, coversQueue, type Principal } from '../auth/authorize.ts';
import { coversAll } from '../auth/name-patterns.ts';
import type { SigningSecrets } from './signing-secrets.ts';

export interface Caller {
  principal: Principal;
  signal?: AbortSignal;
  /** Deadline of the answer in epoch milliseconds, by the queue's clock. */
  endsAt?: number;
}

export interface Service {
  /**
   * Checks the parameters, the caller's permissions and the input, then runs the operation. Message JSON (bodies, attributes, results) is
   * returned as JsonText: serialize the output with `writeJson`. Throws DumbwaiterError or StoreError.
   */
  call(operation: OperationName, params: unknown, input: unknown, caller: Caller): Promise<OutputOf<OperationName>>;
}

type CheckedCall = {
  [Name in OperationName]: { operation: Name; params: ParamsOf<Name>; input: CheckedInputOf<Name> };
}[OperationName];

/** Maximum number of engine pages that one `listQueues` reads to find queues that the key covers. */
const pagesReadMax = 10;

export function isOperation(name: unknown): name is OperationName {
  return typeof name === 'string' && Object.hasOwn(routes, name);
}

/** The operations on targets. `functions/push/targets.ts` implements them. Each throws `queue_not_found`. */
export interface TargetOperations {
  /** Throws `invalid_input` for a URL that may not be called, or a function that does not exist. */
  put(queue: string, target: string, input: TargetInput): Promise<Target>;
  /** Throws `target_not_found`. */
  get(queue: string, target: string): Promise<Target>;
  list(queue: string): Promise<OutputOf<'listTargets'>>;
  /** Throws `target_not_found`. */
  remove(queue: string, target: string): Promise<object>;
}

export interface ServiceParts {
  engine: Engine;
  keys: Keys;
  secrets: SigningSecrets;
  targets: TargetOperations;
  /** Whether a waiting receive costs next to nothing here, as in a long-running process. Returned to callers. Default: false. */
  waitIsCheap?: boolean;
}

export function createService({ engine, keys, secrets, targets, waitIsCheap = false }: ServiceParts): Service {
  async function dispatch(call: CheckedCall, { principal, signal, endsAt }: Caller): Promise<OutputOf<OperationName>> {
    switch (call.operation) {
      case 'health':
        return { status: 'ok' };
      case 'createKey':
        return keys.create(call.input, principal);
      case 'listKeys':
        return keys.list(call.input);
      case 'revokeKey':
        return keys.revoke(call.params.id);
      case 'listQueues':
        return listQueues(call.input, principal);
      case 'putTarget':
        return targets.put(call.params.queue, call.params.target, call.input);
      case 'getTarget':
        return targets.get(call.params.queue, call.params.target);
      case 'listTargets':
        return targets.list(call.params.queue);
      case 'deleteTarget':
        return targets.remove(call.params.queue, call.params.target);
      case 'rotateSigningSecret':
        return rotateSigningSecret(call.params.queue, endsAt);
      default: {
        const options = { texts: true, ...(signal && { signal }), ...(endsAt !== undefined && { endsAt }) };
        const output = await engine.callChecked(call.operation, call.params as never, call.input as never, options);
        if (call.operation === 'deleteQueue') await secrets.forget(call.params.queue);
        return call.operation === 'receive' && waitIsCheap ? { ...output, waitIsCheap } : output;
      }
    }
  }

  /** Lists the queues that the caller's key covers. A page may have fewer than `limit` queues and still have a cursor. */
  async function listQueues({ limit = pageEntriesDefault, cursor }: Page, principal: Principal): Promise<OutputOf<'listQueues'>> {
    if (coversAll(principal.queues)) return engine.callChecked('listQueues', {}, page(limit, cursor));
    const seen: Queue[] = [];
    let next = cursor;
    for (let pages = 0; pages < pagesReadMax && seen.length < limit; pages++) {
      // Never read more than is still wanted, so that no queue that was read is left out before the cursor.
      const read = await engine.callChecked('listQueues', {}, page(limit - seen.length, next));
      seen.push(...read.queues.filter((queue) => coversQueue(principal, queue.name)));
      next = read.cursor;
      if (next === undefined) return { queues: seen };
    }
    return { queues: seen, ...(next === undefined ? {} : { cursor: next }) };
  }

  /** Throws `queue_not_found`. */
  async function rotateSigningSecret(queue: string, endsAt: number | undefined): Promise<{ secret: string }> {
    await engine.callChecked('getQueue', { queue }, {}, endsAt === undefined ? {} : { endsAt });
    return secrets.rotate(queue);
  }

  return {
    async call(operation, params, input, caller) {
      const checkedParams = parseParams(operation, params);
      authorize(caller.principal, operation, checkedParams, input);
      return dispatch({ operation, params: checkedParams, input: parseInput(operation, input) } as CheckedCall, caller);
    },
  };
}

function page(limit: number, cursor: string | undefined): Page {
  return cursor === undefined ? { limit } : { limit, cursor };
}
