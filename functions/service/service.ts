/**
 * Runs every operation of the contract, whatever the transport: HTTP or Lambda invoke.
 * This folder holds what all transports and Lambda entries share around the engine: permission checks, logs, and calls to publishers.
 */

import type {
  CheckedInputOf,
  Environment,
  ListedQueue,
  OperationName,
  OutputOf,
  OwnKey,
  Page,
  ParamsOf,
  Queue,
  QueuesPage,
  Target,
  TargetInput,
  Topic,
} from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { pageEntriesDefault } from '../../contract/limits.ts';
import { routes } from '../../contract/routes.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import { version } from '../../contract/version.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Keys } from '../auth/api-keys.ts';
import { authorize, coversQueue, type Principal } from '../auth/authorize.ts';
import { covers, coversAll } from '../auth/name-patterns.ts';
import type { Audit } from './audit.ts';
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

/** Maximum number of engine pages that one list reads to find what the key covers. */
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

/** `functions/metrics/stats.ts` implements it. Throws `queue_not_found`. */
export interface StatsOperation {
  read(queue: string, input: CheckedInputOf<'queueStats'>): Promise<OutputOf<'queueStats'>>;
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
  stats: StatsOperation;
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
        return listQueues(call.input, principal);
      case 'putTarget':
        return targets.put(call.params.queue, call.params.target, call.input);
      case 'getTarget':
        return targets.get(call.params.queue, call.params.target);
      case 'listTargets':
        return targets.list(call.params.queue);
      case 'deleteTarget':
        return targets.remove(call.params.queue, call.params.target);
      case 'listTopics':
        return listTopics(call.input, principal);
      case 'queueStats':
        return stats.read(call.params.queue, call.input);
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

  /** Counts only what the key covers: what it does not cover is listed without counts, and left out. */
  async function listQueues({ counts, ...input }: QueuesPage, principal: Principal): Promise<OutputOf<'listQueues'>> {
    const all = coversAll(principal.queues);
    const isCovered = ({ name }: Queue) => coversQueue(principal, name);
    const { entries, ...cursor } = await listCovered(input, all ? undefined : isCovered, async (asked) => {
      const { queues, ...next } = await engine.callChecked('listQueues', {}, { ...input, ...asked, ...(all && { counts }) });
      return { entries: queues, ...next };
    });
    if (all || !counts) return { queues: entries, ...cursor };
    const counted = await Promise.all(entries.map(({ name }) => countsOf(name)));
    return { queues: counted.flat(), ...cursor };
  }

  /** None if the queue was deleted meanwhile. */
  async function countsOf(queue: string): Promise<ListedQueue[]> {
    try {
      return [await engine.callChecked('getQueue', { queue }, {})];
    } catch (error) {
      if (error instanceof DumbwaiterError && error.code === 'queue_not_found') return [];
      throw error;
    }
  }

  async function listTopics(input: Page, principal: Principal): Promise<OutputOf<'listTopics'>> {
    const { entries, ...cursor } = await listCovered(
      input,
      coversAll(principal.topics) ? undefined : ({ name }: Topic) => covers(principal.topics, name),
      async (asked) => {
        const { topics, ...next } = await engine.callChecked('listTopics', {}, asked);
        return { entries: topics, ...next };
      },
    );
    return { topics: entries, ...cursor };
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
      return audit.noted({ ...caller, ...checked }, () => dispatch(checked, caller));
    },
  };
}

function ownKey({ id, scopes, queues, topics, expiresAt = null }: Principal, environment: Environment | undefined): OwnKey {
  const server = { version, environment: environment ?? null };
  return { id, scopes: [...scopes], queues: [...queues], topics: [...topics], expiresAt, ...server };
}

interface Listed<Entry> {
  entries: Entry[];
  cursor?: string;
}

/** Lists the entries that the caller's key covers; by default, all. A page may have fewer than `limit` and still have a cursor. */
async function listCovered<Entry>(
  { limit = pageEntriesDefault, cursor }: Page,
  isCovered: ((entry: Entry) => boolean) | undefined,
  read: (page: Page) => Promise<Listed<Entry>>,
): Promise<Listed<Entry>> {
  if (!isCovered) return read(page(limit, cursor));
  const entries: Entry[] = [];
  let next = cursor;
  for (let pages = 0; pages < pagesReadMax && entries.length < limit; pages++) {
    // Never read more than is still wanted, so that no entry that was read is left out before the cursor.
    const listed = await read(page(limit - entries.length, next));
    entries.push(...listed.entries.filter(isCovered));
    next = listed.cursor;
    if (next === undefined) return { entries };
  }
  return { entries, ...(next === undefined ? {} : { cursor: next }) };
}

function page(limit: number, cursor: string | undefined): Page {
  return cursor === undefined ? { limit } : { limit, cursor };
}
