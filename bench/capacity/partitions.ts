/**
 * Models the capacity of DynamoDB's partitions: each has a token bucket that refills at a fixed rate. A request is admitted if every bucket
 * that it loads is above zero, and is then charged in full. A bucket may go below zero, so over time it gives exactly its rate.
 */
import { dueIndex, type Key, type Row, tables } from '../../engine/port/port.ts';
import { storedBytes } from '../../engine/port/row-limits.ts';

export interface PartitionLimits {
  /** Capacity of each partition: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html */
  writeUnitsPerSecond: number;
  readUnitsPerSecond: number;
  /**
   * How many seconds of unused capacity are kept for later. DynamoDB keeps up to 300 s but guarantees none:
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
   */
  burstSeconds: number;
  /** Limit of a table, and separately of its index. Null: no limit, as if the quota were raised. Default quota: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html */
  tableUnitsPerSecond: number | null;
  /** Number of partitions over which the ids of `leases` are spread. */
  leasesPartitions: number;
}

export const partitionLimits: PartitionLimits = {
  writeUnitsPerSecond: 1_000,
  readUnitsPerSecond: 3_000,
  burstSeconds: 0,
  tableUnitsPerSecond: 40_000,
  leasesPartitions: 64,
};

/** Units to take from a partition of a table or of its index. */
export interface Load {
  of: Key['table'] | typeof dueIndex.name;
  partition: string;
  units: number;
}

/** `key`: a partition has no capacity left; `table`: the table or its index has none left. */
export type Throttled = 'key' | 'table';

const writeUnitBytes = 1024;
const readUnitBytes = 4096;
/** Seconds of its rate that a bucket holds in addition to the burst: DynamoDB counts by the second. */
const secondsHeld = 1;
/** All processes read settings at once only when a measurement begins. By then the partition of `queues` has accumulated its full burst. */
const settingsBurstSeconds = 300;

export function createPartitions(limits: PartitionLimits, now: () => number) {
  const buckets = new Map<string, { left: number; at: number }>();
  const startedAt = now();

  /** What is left in a bucket now. A new bucket starts with its burst. */
  function bucket(name: string, perSecond: number, keptSeconds: number): { left: number } {
    const known = buckets.get(name) ?? { left: perSecond * keptSeconds, at: startedAt };
    const filled = known.left + ((now() - known.at) / 1000) * perSecond;
    const current = { left: Math.min(filled, perSecond * (secondsHeld + keptSeconds)), at: now() };
    buckets.set(name, current);
    return current;
  }

  function bucketsOf(kind: 'read' | 'write', { of, partition }: Load): { key: { left: number }; table?: { left: number } } {
    const perSecond = kind === 'read' ? limits.readUnitsPerSecond : limits.writeUnitsPerSecond;
    const place = of === 'leases' ? String(hash(partition) % limits.leasesPartitions) : partition;
    const burstSeconds = of === 'queues' ? settingsBurstSeconds : limits.burstSeconds;
    const key = bucket(`${kind} ${of} ${place}`, perSecond, burstSeconds);
    if (limits.tableUnitsPerSecond === null) return { key };
    return { key, table: bucket(`${kind} ${of}`, limits.tableUnitsPerSecond, 0) };
  }

  return {
    /** Why a request with these loads is throttled. Undefined if it is not. */
    throttled(kind: 'read' | 'write', loads: readonly Load[]): Throttled | undefined {
      const left = loads.map((load) => bucketsOf(kind, load));
      if (left.some(({ key }) => key.left <= 0)) return 'key';
      return left.some(({ table }) => table && table.left <= 0) ? 'table' : undefined;
    },
    charge(kind: 'read' | 'write', loads: readonly Load[]): void {
      for (const load of loads) {
        const { key, table } = bucketsOf(kind, load);
        key.left -= load.units;
        if (table) table.left -= load.units;
      }
    },
  };
}

export type Partitions = ReturnType<typeof createPartitions>;

export function partitionOf(key: Key): string {
  return (key as unknown as Record<string, string>)[tables[key.table].partition]!;
}

/**
 * The load of a write that changed a row: the units of the larger version, and of each index entry that was put or removed. If the index
 * key changed, that is two entries.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
export function loadOfWrite(key: Key, before: Row | undefined, after: Row | undefined): Load[] {
  const own = { of: key.table, partition: partitionOf(key), units: Math.max(writeUnits(before), writeUnits(after)) };
  return key.table === dueIndex.table ? [own, ...loadOfIndex(entryOf(before), entryOf(after))] : [own];
}

/** A write whose condition failed is charged as if it had succeeded, but without the index. */
export function loadOfRefused(key: Key, inTheWay: Row | undefined, put: Row | undefined): Load[] {
  return [{ of: key.table, partition: partitionOf(key), units: Math.max(writeUnits(inTheWay), writeUnits(put)) }];
}

function loadOfIndex(before: Row | undefined, after: Row | undefined): Load[] {
  const load = (entry: Row): Load => ({
    of: dueIndex.name,
    partition: entry[dueIndex.partition] as string,
    units: writeUnits(entry),
  });
  const isInPlace = before && after && [dueIndex.partition, dueIndex.sort].every((name) => before[name] === after[name]);
  if (isInPlace) return isSame(before, after) ? [] : [load(after)];
  return [before, after].flatMap((entry) => (entry ? [load(entry)] : []));
}

/** The index entry of a row. Undefined if the row is not in the index. */
function entryOf(row: Row | undefined): Row | undefined {
  if (row?.[dueIndex.partition] === undefined || row[dueIndex.sort] === undefined) return undefined;
  const names = [tables.leases.partition, dueIndex.partition, dueIndex.sort, ...dueIndex.projected];
  return Object.fromEntries(names.flatMap((name) => (row[name] === undefined ? [] : [[name, row[name]]])));
}

const isSame = (a: Row, b: Row) => dueIndex.projected.every((name) => a[name] === b[name]);

function writeUnits(row: Row | undefined): number {
  return row === undefined ? 1 : Math.max(1, Math.ceil(storedBytes(row) / writeUnitBytes));
}

/** The sizes of rows read together are added before rounding up. A read that need not be consistent costs half. */
export function readUnits(rows: readonly Row[], consistent: boolean): number {
  const bytes = rows.reduce((sum, row) => sum + storedBytes(row), 0);
  return Math.max(1, Math.ceil(bytes / readUnitBytes)) * (consistent ? 1 : 0.5);
}

/** FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  // Mix once more: the last characters affect only the low bits.
  return (value ^ (value >>> 15)) >>> 0;
}
