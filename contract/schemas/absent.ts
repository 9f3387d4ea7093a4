/**
 * Removes null from optional fields where null is not a value, because generated clients write null for unset fields. Fields
 * where null is a value, such as `retentionSeconds` and `body`, keep it.
 */
import * as z from 'zod';

/** Returns `value` without such nulls. The rest stays as given, valid or not. */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject) || !isObject(value)) return value;
  const kept = Object.entries(value).filter(([name, one]) => one !== null || !nullMeansAbsent(fieldOf(inner, name)));
  return Object.fromEntries(
    kept.map(([name, one]) => {
      const field = fieldOf(inner, name);
      return [name, field === undefined ? one : withoutNulls(field, one)];
    }),
  );
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
