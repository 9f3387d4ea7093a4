/** Whether a message matches a subscription: written again here, for the subjects and filters that plans draw, apart from the engine. */
import type { Filter, Json, Subscription, TopicEntry } from '../../../contract/contract.ts';

export type Terms = Pick<Subscription, 'subject' | 'filter' | 'filterScope'>;

export function matchesTerms({ subject, filter, filterScope }: Terms, message: TopicEntry): boolean {
  return hasSubject(subject, message.subject) && (filter === null || passes(filter, valuesOf(message, filterScope)));
}

/** `*` stands for one token, `>` at the end for one or more. */
function hasSubject(pattern: string | null, subject: string | undefined): boolean {
  if (pattern === null) return true;
  if (subject === undefined) return false;
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  const isOpen = wanted.at(-1) === '>';
  if (isOpen ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((token, index) => token === '>' || token === '*' || token === given[index]);
}

/** What a filter looks at. Undefined: no filter passes. */
function valuesOf({ attributes = {}, body }: TopicEntry, scope: Terms['filterScope']): Record<string, Json> | undefined {
  if (scope === 'body') return body !== null && typeof body === 'object' && !Array.isArray(body) ? (body as never) : undefined;
  return Object.keys(attributes).length === 0 ? undefined : (attributes as Record<string, Json>);
}

function passes(filter: Filter, values: Record<string, Json> | undefined): boolean {
  if (values === undefined) return false;
  return Object.entries(filter).every(([name, conditions]) =>
    (conditions as unknown[]).some((condition) => holds(condition, values[name])),
  );
}

function holds(condition: unknown, value: Json | undefined): boolean {
  if (typeof condition === 'string') return value === condition;
  const { exists, 'anything-but': others } = condition as { exists?: boolean; 'anything-but'?: string[] };
  if (exists !== undefined) return (value !== undefined) === exists;
  return value !== undefined && !others!.includes(value as string);
}
