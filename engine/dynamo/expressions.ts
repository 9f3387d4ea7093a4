/** Compiles conditions and changes to DynamoDB's expressions. port/condition-evaluator.ts defines their meaning. */
import { checkPlaces, refuseEmpty } from '../port/condition-evaluator.ts';
import type { Change, Condition, Path, Value } from '../port/port.ts';
import { type Attribute, toAttribute } from './attribute-values.ts';

/**
 * Names and values of one request, shared by its expressions. Omits each map if it is empty, because DynamoDB refuses empty
 * maps.
 */
export interface Placeholders {
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, Attribute>;
}

export interface Expressions {
  condition(condition: Condition): string;
  update(change: Extract<Change, { set: unknown }>): string;
  path(path: Path): string;
  value(value: Value): string;
  placeholders(): Placeholders;
}

export function createExpressions(): Expressions {
  const names = new Map<string, string>();
  const values: Record<string, Attribute> = {};
  let valueCount = 0;

  function path([first, ...rest]: Path): string {
    return rest.reduce<string>(
      (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${name(part)}`),
      name(first),
    );
  }

  function name(attribute: string): string {
    const known = names.get(attribute);
    if (known !== undefined) return known;
    const placeholder = `#${names.size}`;
    names.set(attribute, placeholder);
    return placeholder;
  }

  function value(given: Value): string {
    const placeholder = `:${valueCount++}`;
    values[placeholder] = toAttribute(given);
    return placeholder;
  }

  function condition(given: Condition): string {
    if ('absent' in given) return `attribute_not_exists(${path(given.absent)})`;
    if ('exists' in given) return `attribute_exists(${path(given.exists)})`;
    if ('equals' in given) return `${path(given.equals[0])} = ${value(given.equals[1])}`;
    if ('less' in given) return `${path(given.less[0])} < ${value(given.less[1])}`;
    refuseEmpty(given);
    if ('all' in given) return joined(given.all, 'AND');
    if ('any' in given) return joined(given.any, 'OR');
    return `NOT (${condition(given.not)})`;
  }

  function joined(parts: readonly Condition[], operator: 'AND' | 'OR'): string {
    // DynamoDB refuses redundant parentheses, so a single part gets none.
    if (parts.length === 1) return condition(parts[0]!);
    return parts.map((part) => `(${condition(part)})`).join(` ${operator} `);
  }

  function update(change: Extract<Change, { set: unknown }>): string {
    checkPlaces(change);
    const { set, unset = [] } = change;
    const clauses: string[] = [];
    if (set.length > 0) clauses.push(`SET ${set.map(([place, to]) => `${path(place)} = ${value(to)}`).join(', ')}`);
    if (unset.length > 0) clauses.push(`REMOVE ${unset.map(path).join(', ')}`);
    return clauses.join(' ');
  }

  return {
    condition,
    update,
    path,
    value,
    placeholders: () => ({
      ...(names.size > 0 && {
        ExpressionAttributeNames: Object.fromEntries([...names].map(([attribute, placeholder]) => [placeholder, attribute])),
      }),
      ...(valueCount > 0 && { ExpressionAttributeValues: values }),
    }),
  };
}
