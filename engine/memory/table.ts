/** One table in memory: rows by key, sorted within their partition, with the sparse index of `leases`. */
import { compareSortKeys, compareStrings } from '../port/condition-evaluator.ts';
import { dueIndex, type Key, type Range, type Ranged, type Row, tables } from '../port/port.ts';
import { keyText, storedBytes } from '../port/row-limits.ts';
import { checkRange, dueProjection, pageBytesMax, positionIn } from '../port/row-writes.ts';

/** How far eventually consistent reads lag: each row is read in its state of some milliseconds ago, with a lag of its own. */
export interface ReadLag {
  now(): number;
  /** The lag of one row. A read calls it once for each row that changed recently. */
  lagMs(range: Range): number;
  /** The largest lag that `lagMs` returns. Older states are dropped. */
  lagMsMax: number;
}

/** Stored rows are never changed in place. Code that returns a row to a caller must copy it first. */
export interface MemoryTable {
  get(key: Key): Row | undefined;
  set(key: Key, row: Row | undefined): void;
  range(range: Range): Ranged;
  all(): Row[];
}

type SortKey = string | number;
interface Entry {
  sort: SortKey;
  text: string;
  row: Row;
  /** The size of the row, once a range has read it. */
  bytes?: number;
}

export function createMemoryTable(name: Key['table'], lag?: ReadLag): MemoryTable {
  const rows = new Map<string, Row>();
  const primary = createOrdered();
  const due = createOrdered();
  const past = new Map<string, { until: number; row: Row | undefined }[]>();
  const { partition, sort }: { partition: string; sort?: string } = tables[name];

  function place(row: Row): { partition: string; sort: SortKey } {
    return { partition: row[partition] as string, sort: sort === undefined ? '' : (row[sort] as string) };
  }

  function placeDue(row: Row): { partition: string; sort: SortKey } | undefined {
    const shard = row[dueIndex.partition];
    const expiry = row[dueIndex.sort];
    if (name !== dueIndex.table || shard === undefined || expiry === undefined) return undefined;
    return { partition: shard as string, sort: expiry as number };
  }

  function remember(text: string, row: Row | undefined): void {
    if (lag === undefined) return;
    const states = past.get(text) ?? [];
    const forgotten = lag.now() - lag.lagMsMax;
    past.set(text, [...states.filter(({ until }) => until > forgotten), { until: lag.now(), row }]);
  }

  /** The entries of a partition as a lagging read returns them. */
  function lagging(range: Range, current: Entry[], placed: typeof placeDue): Entry[] {
    if (lag === undefined) return current;
    const seen = new Map(current.map((entry) => [entry.text, entry]));
    const here = (row: Row | undefined) => row !== undefined && placed(row)?.partition === range.partition;
    for (const [text, states] of past) {
      const forgotten = states.at(-1)!.until <= lag.now() - lag.lagMsMax;
      if (forgotten) past.delete(text);
      if (forgotten || (!seen.has(text) && !states.some(({ row }) => here(row)))) continue;
      const asOf = lag.now() - lag.lagMs(range);
      const state = states.find(({ until }) => until > asOf);
      if (state === undefined) continue;
      seen.delete(text);
      const where = state.row && placed(state.row);
      if (where?.partition === range.partition) seen.set(text, { sort: where.sort, text, row: state.row! });
    }
    return [...seen.values()].sort(compareEntries);
  }

  return {
    get: (key) => rows.get(keyText(key)),

    set(key, row) {
      const text = keyText(key);
      const before = rows.get(text);
      const dueNow = row && placeDue(row);
      remember(text, before);
      if (before !== undefined) {
        primary.remove({ ...place(before), text });
        const dueBefore = placeDue(before);
        if (dueBefore) due.remove({ ...dueBefore, text });
      }
      if (row === undefined) {
        rows.delete(text);
        return;
      }
      rows.set(text, row);
      const { partition: shard, sort: at } = place(row);
      primary.add(shard, { sort: at, text, row });
      if (dueNow) due.add(dueNow.partition, { sort: dueNow.sort, text, row });
    },

    range(range) {
      checkRange(range);
      const byIndex = range.index !== undefined;
      const current = (byIndex ? due : primary).entries(range.partition);
      const entries = range.consistent ? current : lagging(range, current, byIndex ? placeDue : place);
      const start = range.after && startAfter(range.after);
      const found: Row[] = [];
      let bytes = 0;
      let position = firstAt(entries, range.from, start);
      for (; position < entries.length && found.length < range.limit && bytes < pageBytesMax; position++) {
        const entry = entries[position]!;
        if (range.to !== undefined && compareSortKeys(entry.sort, range.to) > 0) return { rows: found };
        found.push(byIndex ? dueProjection(entry.row) : entry.row);
        entry.bytes ??= storedBytes(entry.row);
        bytes += entry.bytes;
      }
      const last = entries[position - 1];
      const more = last !== undefined && found.length > 0 && (found.length === range.limit || bytes >= pageBytesMax);
      return more ? { rows: found, next: positionIn(range, last.row) } : { rows: found };
    },

    all: () => [...rows.values()],
  };

  function startAfter(after: Row): Entry {
    const key = { table: name, ...after } as Key;
    const at = after[dueIndex.sort];
    return { sort: typeof at === 'number' ? at : place(after).sort, text: keyText(key), row: after };
  }
}

function createOrdered() {
  const partitions = new Map<string, Entry[]>();
  return {
    entries: (partition: string): Entry[] => partitions.get(partition) ?? [],
    add(partition: string, entry: Entry): void {
      const entries = partitions.get(partition);
      if (entries === undefined) partitions.set(partition, [entry]);
      else entries.splice(positionOf(entries, entry), 0, entry);
    },
    remove({ partition, ...at }: { partition: string; sort: SortKey; text: string }): void {
      const entries = partitions.get(partition)!;
      entries.splice(positionOf(entries, at), 1);
      if (entries.length === 0) partitions.delete(partition);
    },
  };
}

function firstAt(entries: Entry[], from: SortKey | undefined, after: Entry | undefined): number {
  const start = from === undefined ? 0 : positionOf(entries, { sort: from, text: '' });
  if (after === undefined) return start;
  const behind = positionOf(entries, after);
  return Math.max(start, entries[behind]?.text === after.text ? behind + 1 : behind);
}

/** The position of the entry, or where to insert it. */
function positionOf(entries: Entry[], at: Pick<Entry, 'sort' | 'text'>): number {
  let low = 0;
  let high = entries.length;
  // Most rows are added at the end.
  if (high > 0 && compareEntries(entries[high - 1]!, at) < 0) return high;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareEntries(entries[middle]!, at) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareEntries(a: Pick<Entry, 'sort' | 'text'>, b: Pick<Entry, 'sort' | 'text'>): number {
  return compareSortKeys(a.sort, b.sort) || compareStrings(a.text, b.text);
}
