/**
 * Removes null from optional fields where null is not a value, because generated clients write null for unset fields. Fields
 * where null is a value, such as `retentionSeconds` and `body`, keep it.
 */
import * as z from 'zod';

/** Returns `value` without such nulls. The rest stays as given, valid or not. */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject) || !isObject(value)) return value;
  const changed = new Map<string, unknown>();
  for (const [name, one] of Object.entries(value)) {
    if (typeof one !== 'object') continue;
    const field = fieldOf(inner, name);
    if (field === undefined) continue;
    const kept = one === null && nullMeansAbsent(field) ? undefined : withoutNulls(field, one);
    if (kept !== one) changed.set(name, kept);
  }
  if (changed.size === 0) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, changed.has(name) ? changed.get(name) : one]);
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}

function fieldOf({ shape }: z.ZodObject, name: string): z.core.$ZodType | undefined {
  return Object.hasOwn(shape, name) ? shape[name] : undefined;
}

function nullMeansAbsent(field: z.core.$ZodType | undefined): boolean {
  return (field instanceof z.ZodOptional || field instanceof z.ZodDefault) && !field.safeParse(null).success;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const wraps = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable;
  return wraps ? unwrapped(schema.unwrap()) : schema;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
