/** Builds records whose optional fields are absent, rather than undefined. */

type Maybe<T> = { [Name in keyof T]: undefined extends T[Name] ? Name : never }[keyof T];

export type Defined<T> = Omit<T, Maybe<T>> & { [Name in Maybe<T>]?: Exclude<T[Name], undefined> };

/** The fields that are not undefined. */
export function defined<T extends object>(fields: T): Defined<T> {
  const kept: Partial<T> = {};
  for (const name of Object.keys(fields) as (keyof T)[]) if (fields[name] !== undefined) kept[name] = fields[name];
  return kept as Defined<T>;
}
