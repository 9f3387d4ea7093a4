/**
 * The operations on targets. This folder delivers the messages of a queue to functions and URLs: start with `dispatcher.ts`.
 */
import type { OutputOf, Target, TargetInput } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import type { HostRule } from '../../contract/host-rule.ts';
import {
  targetBatchSizeDefault,
  targetConcurrencyDefault,
  targetsMax,
  targetTimeoutSecondsDefault,
} from '../../contract/limits.ts';
import type { Clock, Random } from '../../engine/port/port.ts';
import { untilDone } from '../../engine/port/until-done.ts';
import type { TargetOperations } from '../service/service.ts';
import { awsCodeOf } from './aws-errors.ts';
import { newCircuit } from './circuit.ts';
import { describeTarget, type TargetRecord, type TargetRecords, type TargetTerms } from './target-records.ts';
import { checkUrl } from './url-policy.ts';

const versionChars = 12;
const notFound = 'ResourceNotFoundException';

/** Rejects if Lambda does not know the function, or does not say. */
export type CheckFunction = (functionName: string) => Promise<void>;

export interface TargetParts {
  records: TargetRecords;
  clock: Clock;
  random: Random;
  hosts: HostRule;
  /** Without it, a function that does not exist is noticed at the first delivery. */
  checkFunction?: CheckFunction;
  /** Called after each change in this process. */
  changed?: () => void;
}

export function createTargets({ records, clock, random, hosts, checkFunction, changed }: TargetParts): TargetOperations {
  async function ofQueue(queue: string) {
    const found = await records.ofQueue(queue);
    if (!found) throw new DumbwaiterError('queue_not_found', `queue: there is no queue "${queue}"`);
    return found;
  }

  async function find(queue: string, name: string): Promise<TargetRecord> {
    const target = (await ofQueue(queue)).targets.find((one) => one.name === name);
    return target ?? missing(queue, name);
  }

  async function ensureExists(functionName: string): Promise<void> {
    try {
      await checkFunction?.(functionName);
    } catch (error) {
      // Any other failure, such as a lack of permissions, says nothing about the function.
      if (awsCodeOf(error) === notFound) throw invalidInput(`functionName: there is no function "${functionName}"`);
    }
  }

  async function put(queue: string, name: string, input: TargetInput): Promise<Target> {
    if (input.url !== undefined) checkUrl(input.url, hosts);
    const terms = termsOf(input);
    const first = await ofQueue(queue);
    if (input.functionName !== undefined) await ensureExists(input.functionName);
    return untilDone(`the target "${name}" of "${queue}"`, first, async ({ queue: { incarnation }, targets }) => {
      const earlier = targets.find((one) => one.name === name);
      if (!earlier && targets.length >= targetsMax) throw invalidInput(`target: a queue has at most ${targetsMax} targets`);
      if (earlier && isSame(earlier, terms)) return { done: describeTarget(earlier) };
      const now = clock.now();
      const version = random.chars(versionChars);
      const dates = { createdAt: earlier?.createdAt ?? now, updatedAt: now };
      const target = { incarnation, queue, name, terms, circuit: newCircuit, version, ...dates };
      if (!(await records.put(target, earlier))) return { seen: await ofQueue(queue) };
      changed?.();
      return { done: describeTarget(target) };
    });
  }

  return {
    put,
    get: async (queue, name) => describeTarget(await find(queue, name)),
    async list(queue): Promise<OutputOf<'listTargets'>> {
      return { targets: (await ofQueue(queue)).targets.map(describeTarget) };
    },
    async remove(queue, name) {
      if (!(await records.remove(await find(queue, name)))) missing(queue, name);
      changed?.();
      return {};
    },
  };
}

function missing(queue: string, name: string): never {
  throw new DumbwaiterError('target_not_found', `target: the queue "${queue}" has no target "${name}"`);
}

/** Terms that do not apply have the values that make them have no effect. */
function termsOf({ functionName, url, ...given }: TargetInput): TargetTerms {
  return {
    ...(functionName === undefined ? {} : { functionName }),
    ...(url === undefined ? {} : { url }),
    batchSize: url === undefined ? (given.batchSize ?? targetBatchSizeDefault) : 1,
    maxBatchingWindowSeconds: given.maxBatchingWindowSeconds ?? 0,
    maxConcurrency: given.maxConcurrency ?? targetConcurrencyDefault,
    reportBatchItemFailures: given.reportBatchItemFailures ?? false,
    format: given.format ?? 'json',
    timeoutSeconds: given.timeoutSeconds ?? targetTimeoutSecondsDefault,
    paused: given.paused ?? false,
  };
}

/** Whether the target has these terms, and no failure that a put would clear. */
function isSame({ terms, circuit }: TargetRecord, wanted: TargetTerms): boolean {
  if (circuit.failures > 0 || circuit.broken || circuit.hasEnded) return false;
  const names = Object.keys({ ...terms, ...wanted }) as (keyof TargetTerms)[];
  return names.every((name) => terms[name] === wanted[name]);
}
