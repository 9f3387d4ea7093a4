/**
 * What the engine asks of the world: a store, a clock, randomness. Rules are data: a write is a key, a condition on the
 * row as it is, and a change; `dynamo-store` compiles the condition to an expression, `memory-store` evaluates it.
 */

/**
 * What a row holds. Strings are well-formed Unicode; numbers are 0 or of a magnitude from 1e-130 to below 1e126 (-0 is
 * stored as 0); nesting goes 32 levels deep, the row being the first; a row has at most 400 KB (`storedBytes`). Anything
 * else is a defect of the caller, and rejects as such.
 */
export type Value = string | number | boolean | Uint8Array | Value[] | { [name: string]: Value };
export type Row = { [name: string]: Value };

/** The three tables, and the names of their keys. `due` is the sparse index of `leases` on (`shard`, `expiry`). */
export const tables = {
  messages: { partition: 'shard', sort: 'id' },
  leases: { partition: 'id' },
  queues: { partition: 'kind', sort: 'name' },
} as const;
export const dueIndex = {
  name: 'due',
  table: 'leases',
  partition: 'shard',
  sort: 'expiry',
  /** Besides the keys, so that the sweep sees what to visit without reading rows. */
  projected: ['last', 'expiresAt', 'since'],
} as const;

export type Key =
  | { table: 'messages'; shard: string; id: string }
  | { table: 'leases'; id: string }
  | { table: 'queues'; kind: string; name: string };

/** A place in a row: names of maps and positions of lists. */
export type Path = readonly [string, ...(string | number)[]];

/**
 * On a row that does not exist every path is absent. Comparing an absent path, or values of two types, is false (and `not`
 * makes it true). Strings compare by code points. `all` and `any` need at least one part: no expression says "always".
 */
export type Condition =
  | { absent: Path }
  | { exists: Path }
  | { equals: readonly [Path, string | number | boolean] }
  | { less: readonly [Path, string | number] }
  | { all: readonly Condition[] }
  | { any: readonly Condition[] }
  | { not: Condition };

/**
 * `put` replaces the row (the key's attributes are part of it). `set` and `unset` change places of a row that exists; they
 * are refused, with no row, if it does not. A place's parent must exist, and a list's place itself; places must not
 * overlap, nor be none, nor be of the key; `unset` takes no element out of a list. Else it is a defect: guard it by the condition.
 * In `leases` the index's keys must be of their types (`shard` a string and not empty, `expiry` a number) or absent.
 */
export type Change = { put: Row } | { remove: true } | { set: readonly (readonly [Path, Value])[]; unset?: readonly Path[] };

export interface Write {
  key: Key;
  when?: Condition;
  then: Change;
}

/**
 * Applied, with the row as it is now (undefined once removed); or refused by its condition, with the row that was in the way. `maybeApplied`:
 * an earlier try of this very write may have been applied.
 */
export type Written = { ok: true; row: Row | undefined } | { ok: false; row: Row | undefined; maybeApplied?: true };

/** Of a transaction all writes are applied, or none; `refused[i]` tells if the condition of write i failed, and its row. */
export type Transacted = { ok: true } | { ok: false; refused: ({ row: Row | undefined } | undefined)[] };

export interface Range {
  table: 'messages' | 'leases' | 'queues';
  /** Only with table `leases`: rows come with the index's attributes alone, and may lag behind the table. */
  index?: 'due';
  partition: string;
  /** Bounds of the sort key, both included. */
  from?: string | number;
  to?: string | number;
  /** Rows of one answer at most, 1 or more. An answer may end earlier, at 1 MB: only without `next` it was the last. */
  limit: number;
  /** Goes on where an answer's `next` ended. */
  after?: Row;
  /** Whether to see every write answered before. Not with an index. Default false. */
  consistent?: boolean;
}

export interface Ranged {
  rows: Row[];
  /** There may be more: pass it as `after`. */
  next?: Row;
}

/**
 * The store did not do as asked. `applied`: `no` when it is certain that nothing was written (throttled, refused, out of time
 * before it was sent), `unknown` when the answer was lost.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly applied: 'no' | 'unknown';
  /**
   * Why the same call may well be answered in a while: `throttled`, the store was too busy, or another's
   * transaction had the row; `late`, the caller was too slow for what the
   * write rested on (`WriteOptions.by`). Only with `applied: no`.
   */
  readonly reason: 'throttled' | 'late' | undefined;

  constructor(message: string, applied: 'no' | 'unknown', cause?: unknown, reason?: 'throttled' | 'late') {
    super(message, cause === undefined ? undefined : { cause });
    this.applied = applied;
    this.reason = applied === 'no' ? reason : undefined;
  }
}

export interface WriteOptions {
  /** The last instant (clock's ms) at which a request, or a retry of it, may be signed and sent; later: StoreError, `applied: no`. */
  by?: number;
}

/** Calls reject with StoreError alone; anything else is a defect. */
export interface Store {
  /**
   * Tells of each request to write to a shard that was throttled, whether or not it went through when tried again; and whether it was
   * to put a row into `messages`, that is, to publish.
   */
  onThrottled?(listener: (shard: string, isPublish?: boolean) => void): void;
  /** The rows in the order of the keys; strongly consistent. Any number of keys. */
  get(keys: readonly Key[], options?: WriteOptions): Promise<(Row | undefined)[]>;
  /** Rows of one partition, ascending by sort key. */
  range(range: Range, options?: WriteOptions): Promise<Ranged>;
  write(write: Write, options?: WriteOptions): Promise<Written>;
  /** Puts and removals without conditions, each on its own: answers an error for each that was not surely done. Any number, no key twice. */
  writeAll(
    writes: readonly { key: Key; then: { put: Row } | { remove: true } }[],
    options?: WriteOptions,
  ): Promise<(StoreError | undefined)[]>;
  /** At most 100 writes and 4 MB, no key twice; all or nothing. */
  transact(writes: readonly Write[], options?: WriteOptions): Promise<Transacted>;
}

export interface Clock {
  /** The queue's time, ms since 1970, corrected as far as the process knows how far its clock is off. */
  now(): number;
  /** Whether the clock was found to be off by more than `clockMarginMs` since it was last set right: leases are refused then. */
  trusted(): boolean;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Unguessable characters of `0-9a-z` (Crockford's base 32): 5 bits each. */
  chars(count: number): string;
  /** 0 ≤ n < 1. */
  number(): number;
}
