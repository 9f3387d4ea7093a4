/** Which condition of a filter a message fails. Only for tests of subscriptions: publishing asks no more than whether it matches. */
import type { Json, MatchResult } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { type Clause, type Members, objectsIn, valueAt } from './filter.ts';

export type Failure = NonNullable<MatchResult['failed']>;

/**
 * The first condition that none of these objects meets. Undefined if each condition is met, by one object or another: then none
 * of them meets all.
 */
export function explainFailure(
  clauses: readonly Clause[],
  objects: readonly (Members | undefined)[],
  root: Members,
): Failure | undefined {
  const failed = clauses.find((clause) => !objects.some((object) => clause.holds(object, root)));
  if (failed === undefined) return undefined;
  const values = objects.map((object) => valueAt(object, failed.key)).filter((value) => value !== undefined);
  if (failed.inner !== undefined) {
    const nested = values.flatMap(objectsIn);
    const inner = explainFailure(failed.inner, nested.length === 0 ? [undefined] : nested, root);
    if (inner !== undefined) return inner;
  }
  const value = values.length > 1 ? values : values[0];
  return defined({ path: failed.path, condition: failed.condition, value: value as Json | undefined });
}
