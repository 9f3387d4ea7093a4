/** Puts and removes targets so that they match the consumers that a stack declares in code. */
import type { TargetInput } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { parseInput, parseParams } from '../../contract/schemas/parse.ts';
import type { TargetOperations } from './service.ts';

export interface DeclaredTarget {
  queue: string;
  name: string;
  input: TargetInput;
}

/** Parses `{"<queue>": {"<target>": {…}}}` from JSON text. Throws `invalid_input`. */
export function parseDeclaredTargets(json: string): DeclaredTarget[] {
  const queues = Object.entries(JSON.parse(json) as Record<string, Record<string, unknown>>);
  return queues.flatMap(([queue, targets]) =>
    Object.entries(targets).map(([name, input]) => {
      parseParams('putTarget', { queue, target: name });
      return { queue, name, input: parseInput('putTarget', input) as TargetInput };
    }),
  );
}

/** Those of `earlier` that are not declared any more. */
export function undeclared(declared: readonly DeclaredTarget[], earlier: readonly DeclaredTarget[]): DeclaredTarget[] {
  const isSame = (one: DeclaredTarget) => (other: DeclaredTarget) => one.queue === other.queue && one.name === other.name;
  return earlier.filter((one) => !declared.some(isSame(one)));
}

/** A target that was paused over the API stays paused unless its declaration sets `paused`. Throws DumbwaiterError. */
export async function declareTargets(targets: TargetOperations, declared: readonly DeclaredTarget[]): Promise<void> {
  for (const { queue, name, input } of declared) {
    const earlier = await targets.get(queue, name).catch(ignoreMissing('target_not_found'));
    await targets.put(queue, name, { ...input, paused: input.paused ?? earlier?.state === 'paused' });
  }
}

/** Throws DumbwaiterError. */
export async function removeTargets(targets: TargetOperations, gone: readonly DeclaredTarget[]): Promise<void> {
  for (const { queue, name } of gone) {
    await targets.remove(queue, name).catch(ignoreMissing('target_not_found', 'queue_not_found'));
  }
}

function ignoreMissing(...codes: string[]) {
  return (error: unknown): undefined => {
    if (!(error instanceof DumbwaiterError) || !codes.includes(error.code)) throw error;
    return undefined;
  };
}
