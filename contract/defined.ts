/** Builds records whose optional fields are absent, rather than undefined. */

type Maybe<T> = { [Name in keyof T]: undefined extends T[Name] ? Name : never }[keyof T];

export type Defined<T> = Omit<T, Maybe<T>> & { [Name in Maybe<T>]?: Exclude<T[Name], undefined> };

/** The fields that are not undefined. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
