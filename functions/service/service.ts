/**
 * Runs every operation of the contract, whatever the transport: HTTP or Lambda invoke.
 * This folder holds what all transports and Lambda entries share around the engine: permission checks, logs, and calls to publishers.
 */

import type {
  CheckedInputOf,
  Environment,
  OperationName,
  OutputOf,
  OwnKey,
  ParamsOf,
  StatsInput,
  Target,
  TargetInput,
} from '../../contract/contract.ts';
import { routes } from '../../contract/routes.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import { version } from '../../contract/version.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Keys } from '../auth/api-keys.ts';
import { authorize, coversQueue, type Principal } from '../auth/authorize.ts';
import type { Audit } from './audit.ts';
import { coveredLists, type LastHours } from './covered-lists.ts';
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

/** `functions/metrics/stats.ts` implements them. */
export interface StatsOperations extends LastHours {
  /** Throws `queue_not_found`. */
  ofQueue(queue: string, input: StatsInput): Promise<OutputOf<'queueStats'>>;
  /** Throws `topic_not_found`. */
  ofTopic(topic: string, input: StatsInput): Promise<OutputOf<'topicStats'>>;
}

/** `functions/metrics/status.ts` implements it. */
export interface StatusOperation {
  read(): Promise<OutputOf<'getStatus'>>;
}

export interface ServiceParts {
  engine: Engine;
  keys: Keys;
  secrets: SigningSecrets;
  targets: TargetOperations;
  stats: StatsOperations;
  audit: Audit;
  status: StatusOperation;
  /** Whether a waiting receive costs next to nothing here, as in a long-running process. Returned to callers. Default: false. */
  waitIsCheap?: boolean;
  /** Where idle consumers can wait to be woken, absolute or relative to the base URL. Returned to callers that received nothing. */
  wakeUrl?: string;
  /** The name of the deployment. Default: none. */
  environment?: Environment | undefined;
  /** What other protocols keep of a queue by its name. */
  queueRows?: { forget(queue: string): Promise<void> };
}

export function createService(parts: ServiceParts): Service {
  const { engine, keys, secrets, targets, stats, audit, status, waitIsCheap = false, wakeUrl, queueRows, environment } = parts;
  const lists = coveredLists({ engine, stats });
  async function dispatch(call: CheckedCall, { principal, signal, endsAt }: Caller): Promise<OutputOf<OperationName>> {
    switch (call.operation) {
      case 'health':
        return { status: 'ok' };
      case 'getStatus':
        return status.read();
      case 'createKey':
        return keys.create(call.input, principal);
      case 'listKeys':
        return keys.list(call.input);
      case 'getOwnKey':
        return ownKey(principal, environment);
      case 'revokeKey':
        return keys.revoke(call.params.id);
      case 'listQueues':
        return lists.queues(call.input, principal);
      case 'putTarget':
        return targets.put(call.params.queue, call.params.target, call.input);
      case 'getTarget':
        return targets.get(call.params.queue, call.params.target);
      case 'listTargets':
        return targets.list(call.params.queue);
      case 'deleteTarget':
        return targets.remove(call.params.queue, call.params.target);
      case 'listTopics':
        return lists.topics(call.input, principal);
      case 'queueStats':
        return stats.ofQueue(call.params.queue, call.input);
      case 'topicStats':
        return stats.ofTopic(call.params.topic, call.input);
      case 'listAudit':
        return audit.list(call.input);
      case 'rotateSigningSecret':
        return rotateSigningSecret(call.params.queue, endsAt);
      default: {
        const options = { texts: true, ...(signal && { signal }), ...(endsAt !== undefined && { endsAt }) };
        const output = await engine.callChecked(call.operation, call.params as never, call.input as never, options);
        if (call.operation === 'deleteQueue') {
          await secrets.forget(call.params.queue);
          await queueRows?.forget(call.params.queue);
        }
        if (call.operation === 'getMessage') return waited(output as OutputOf<'getMessage'>, call.input.waitSeconds);
        if (call.operation === 'getSubscription') return subscription(output as OutputOf<'getSubscription'>, principal);
        return call.operation === 'receive' ? received(output as OutputOf<'receive'>) : output;
      }
    }
  }

  function received(output: OutputOf<'receive'>): OutputOf<'receive'> {
    const isIdle = output.messages.length === 0;
    return { ...output, ...(waitIsCheap && { waitIsCheap }), ...(isIdle && wakeUrl !== undefined && { wakeUrl }) };
  }

  function waited(message: OutputOf<'getMessage'>, waitSeconds = 0): OutputOf<'getMessage'> {
    const mayWait = wakeUrl !== undefined && waitSeconds > 0 && message.endedAt === undefined;
    return mayWait ? { ...message, wakeUrl } : message;
  }

  /** A key that covers the topic need not cover what waits in an existing queue that it delivers into. */
  function subscription({ counts, ...shown }: OutputOf<'getSubscription'>, principal: Principal): OutputOf<'getSubscription'> {
    return coversQueue(principal, shown.queue) && counts ? { ...shown, counts } : shown;
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
      const checked = { operation, params: checkedParams, input: parseInput(operation, input) } as CheckedCall;
      return audit.recorded({ ...caller, ...checked }, () => dispatch(checked, caller));
    },
  };
}

function ownKey({ id, scopes, queues, topics, expiresAt = null }: Principal, environment: Environment | undefined): OwnKey {
  const server = { version, environment: environment ?? null };
  return { id, scopes: [...scopes], queues: [...queues], topics: [...topics], expiresAt, ...server };
}
