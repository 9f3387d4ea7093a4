/**
 * The port: the interfaces that the engine needs from its environment (a store, a clock, randomness). Start reading here.
 * The rest of the folder evaluates conditions, checks the limits of a row and makes random numbers.
 * Rules are data: a write is a key, a condition on the current row, and a change. `engine/dynamo/` compiles conditions
 * to expressions; `engine/memory/` evaluates them. Every store passes the same conformance suite.
 */

/**
 * A value in a row. Strings are well-formed Unicode. Numbers are 0 or have a magnitude from 1e-130 to below 1e126; -0 is
 * stored as 0. Values nest at most 32 levels deep, the row being level 1. A row has at most 400 KB (`storedBytes`).
 * Anything else is a defect of the caller, and the call rejects.
 */
export type Value = string | number | boolean | Uint8Array | Value[] | { [name: string]: Value };
export type Row = { [name: string]: Value };

/** The three tables and the names of their key attributes. `due` is the sparse index of `leases` on (`shard`, `expiry`). */
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
  /** Attributes projected besides the keys, so that the sweep sees which rows to visit without reading them. */
  projected: ['last', 'expiresAt', 'since'],
} as const;

/** The attribute with the time, in epoch seconds, after which a store may remove a row. No rule depends on when it does. */
export const timeToLiveAttribute = 'ttl';

export type Key =
  | { table: 'messages'; shard: string; id: string }
  | { table: 'leases'; id: string }
  | { table: 'queues'; kind: string; name: string };

/** A path in a row: attribute names of maps and indexes of lists. */
export type Path = readonly [string, ...(string | number)[]];

/**
 * In a row that does not exist, every path is absent. Comparing an absent path, or values of different types, is false;
 * `not` makes it true. Strings compare by code points. `all` and `any` need at least one part: an expression cannot
 * state "always".
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
 * `put` replaces the row; the row includes the key attributes. `set` and `unset` change paths of an existing row. If the
 * row does not exist, the write is refused with `row: undefined`.
 *
 * Rules for paths: at least one, none overlapping, none of the key. The parent of a path must exist; a list element
 * must exist itself. `unset` cannot remove a list element. Breaking a rule is a defect, so guard it by the condition.
 * In `leases`, the index keys must be absent or have their type: `shard` a non-empty string, `expiry` a number.
 */
export type Change = { put: Row } | { remove: true } | { set: readonly (readonly [Path, Value])[]; unset?: readonly Path[] };

export interface Write {
  key: Key;
  when?: Condition;
  then: Change;
}

/**
 * `ok: true`: applied, with the row after the write (undefined if it was removed). `ok: false`: the condition failed, with
 * the current row. `maybeApplied`: an earlier attempt of the same write may have been applied.
 */
export type Written = { ok: true; row: Row | undefined } | { ok: false; row: Row | undefined; maybeApplied?: true };

/**
 * A transaction applies all of its writes or none. `refused[i]` is set if the condition of write i failed, with its current
 * row.
 */
export type Transacted = { ok: true } | { ok: false; refused: ({ row: Row | undefined } | undefined)[] };

export interface Range {
  table: 'messages' | 'leases' | 'queues';
  /** Only with table `leases`. Rows have only the attributes of the index and may lag behind the table. */
  index?: 'due';
  partition: string;
  /** Bounds of the sort key, both inclusive. */
  from?: string | number;
  to?: string | number;
  /**
   * Maximum number of rows in one answer, at least 1. An answer may end earlier, at 1 MB. Only an answer without `next` is the
   * last.
   */
  limit: number;
  /** Continues from the `next` of an earlier answer. */
  after?: Row;
  /** Whether the read sees every write that was answered before it. Not with an index. Default false. */
  consistent?: boolean;
}

export interface Ranged {
  rows: Row[];
  /** Set if there may be more rows. Pass it as `after`. */
  next?: Row;
}

/**
 * The store did not complete a call. `applied` is `no` if certainly nothing was written (throttled, rejected, or past its
 * deadline before it was sent), and `unknown` if the answer was lost.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly applied: 'no' | 'unknown';
  /**
   * Set if the same call may succeed later. `throttled`: the store was too busy, or another transaction held the row. `late`:
   * the caller missed the deadline of the write (`WriteOptions.by`). With `applied: unknown` an earlier attempt had no answer.
   */
  readonly reason: 'throttled' | 'late' | undefined;

  constructor(message: string, applied: 'no' | 'unknown', cause?: unknown, reason?: 'throttled' | 'late') {
    super(message, cause === undefined ? undefined : { cause });
    this.applied = applied;
    this.reason = reason;
  }
}

/**
 * What to report of calls that ran side by side; undefined if none failed. A defect comes first, then a failure after which a
 * repeat may succeed: otherwise nothing would repeat the calls.
 */
export function failureOf(settled: readonly PromiseSettledResult<unknown>[]): unknown {
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const rank = (failure: unknown) => (failure instanceof StoreError ? (failure.reason === undefined ? 2 : 1) : 0);
  return failures.sort((one, other) => rank(one) - rank(other))[0];
}

/** For `catch`, where a failed call of the store changes nothing that matters. */
export function ignoreStoreError(error: unknown): void {
  if (!(error instanceof StoreError)) throw error;
}

export interface WriteOptions {
  /**
   * The last instant (ms of the clock) at which a request, or a retry of it, may be signed and sent. After it: StoreError,
   * `applied: no`.
   */
  by?: number;
  /**
   * Set if the caller tells nobody that the write was applied before it has the answer to a later write of its own. A store that
   * keeps writes in their order need not wait for the disk: whatever it loses, it loses no write without all later ones.
   */
  isFollowed?: boolean;
}

/** Calls reject only with StoreError. Any other error is a defect. */
export interface Store {
  /**
   * Calls the listener for each throttled write to a shard, even if a retry succeeds. `isPublish`: the write puts a row
   * into `messages`.
   */
  onThrottled?(listener: (shard: string, isPublish?: boolean) => void): void;
  /** Calls the listener for each throttled read, even if a retry succeeds. */
  onThrottledRead?(listener: () => void): void;
  /** Reads any number of rows, strongly consistent. The answer is in the order of the keys. */
  get(keys: readonly Key[], options?: WriteOptions): Promise<(Row | undefined)[]>;
  /** Reads rows of one partition, ascending by sort key. */
  range(range: Range, options?: WriteOptions): Promise<Ranged>;
  write(write: Write, options?: WriteOptions): Promise<Written>;
  /**
   * Any number of independent puts and removals without conditions. No key twice. Answers an error for each write that is not
   * certainly applied.
   */
  writeAll(
    writes: readonly { key: Key; then: { put: Row } | { remove: true } }[],
    options?: WriteOptions,
  ): Promise<(StoreError | undefined)[]>;
  /** All or nothing. At most 100 writes and 4 MB, no key twice. */
  transact(writes: readonly Write[], options?: WriteOptions): Promise<Transacted>;
}

export interface Clock {
  /** Milliseconds since 1970, corrected by the known offset of the machine's clock. */
  now(): number;
  /**
   * False after the clock was found wrong by more than `clockMarginMs`, until that is corrected. Without trust, no leases are
   * given.
   */
  trusted(): boolean;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** Random, unguessable characters of Crockford's base 32, 5 bits each. */
  chars(count: number): string;
  /** 0 ≤ n < 1. */
  number(): number;
}
