/**
 * Targets as rows of `queues`, of kind `target`. A row is named after the incarnation of its queue and the target, so a queue that is
 * created again under its name has none of the earlier targets. A dispatcher holds a target while it delivers: only one process does at
 * a time. So `maxConcurrency` holds over all processes, and no state of the circuit is lost.
 */
import type { Target } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { settingsCacheMs } from '../../contract/limits.ts';
import { type QueueRecord, queueKey, readQueue, targetKey, targetKind, targetsOf } from '../../engine/model/queue-record.ts';
import { isRecent } from '../../engine/port/copy-age.ts';
import { pagesOf } from '../../engine/port/pages.ts';
import type { Clock, Condition, Path, Range, Row, Store, Value } from '../../engine/port/port.ts';
import { allowed, type Circuit } from './circuit.ts';

/** What the caller put, with defaults. */
export interface TargetTerms {
  functionName?: string;
  url?: string;
  batchSize: number;
  maxBatchingWindowSeconds: number;
  maxConcurrency: number;
  reportBatchItemFailures: boolean;
  format: 'json' | 'cloudevents';
  timeoutSeconds: number;
  paused: boolean;
}

export interface TargetRecord {
  incarnation: string;
  queue: string;
  name: string;
  terms: TargetTerms;
  circuit: Circuit;
  /** Random text that each put renews. */
  version: string;
  /** The dispatcher that delivers to it, and until when, ms. */
  holder?: string;
  heldUntil?: number;
  createdAt: number;
  updatedAt: number;
}

export type TargetId = Pick<TargetRecord, 'incarnation' | 'queue' | 'name'>;

/** A target together with the settings of its queue, as one read returned them. */
export interface Found {
  target: TargetRecord;
  queue: QueueRecord;
}

export interface TargetRecords {
  /** The queue of this name, and its targets by name. Undefined if there is no such queue. */
  ofQueue(queue: string): Promise<{ queue: QueueRecord; targets: TargetRecord[] } | undefined>;
  /** How many targets this process has put or removed: what was read before a change is outdated. */
  changes(): number;
  /** Every target of every queue; a list of this process is at most `settingsCacheMs` old. */
  all(): Promise<readonly TargetRecord[]>;
  /** The targets of these queues, as old. One read for each queue, so that busy queues do not have all targets read again and again. */
  ofIncarnations(incarnations: ReadonlySet<string>): Promise<readonly TargetRecord[]>;
  /** Undefined if the target or its queue is gone. */
  read(id: TargetId): Promise<Found | undefined>;
  readAll(ids: readonly TargetId[]): Promise<TargetRecord[]>;
  /** Puts the target over the one that was read, or as a new one. Returns whether it did. */
  put(target: TargetRecord, over: TargetRecord | undefined): Promise<boolean>;
  /** Returns whether there was such a target. */
  remove(id: TargetId): Promise<boolean>;
  /** Holds the target, or holds it longer. Returns undefined if another dispatcher holds it, or it is gone. */
  hold(id: TargetId, holder: string, untilMs: number): Promise<TargetRecord | undefined>;
  endHold(id: TargetId, holder: string): Promise<void>;
  /** Stores the circuit, unless the target was put again or another dispatcher holds it. */
  saveCircuit(target: TargetRecord, holder: string, circuit: Circuit): Promise<void>;
}

/** Queues whose targets are read one by one. For more, one read of all targets is cheaper. */
const queuesReadMax = 25;
/** Lists that one process keeps. */
const listsMax = 1000;
const everyQueue = '*';

export function createTargetRecords({ store, clock }: { store: Store; clock: Clock }): TargetRecords {
  let changes = 0;
  /** By incarnation of the queue; under `everyQueue`, all of them. */
  const lists = new Map<string, { targets: readonly TargetRecord[]; readAt: number }>();

  function noteChange(): void {
    changes++;
    lists.clear();
  }

  async function list(name: string, range: Range): Promise<readonly TargetRecord[]> {
    const [readAt, before] = [clock.now(), changes];
    const known = lists.get(name);
    if (known && isRecent(known.readAt, readAt, settingsCacheMs)) return known.targets;
    const targets: TargetRecord[] = [];
    for await (const rows of pagesOf(store, range)) targets.push(...rows.map(readTarget));
    if (lists.size >= listsMax) lists.clear();
    if (before === changes) lists.set(name, { targets, readAt });
    return targets;
  }

  function all(): Promise<readonly TargetRecord[]> {
    return list(everyQueue, { table: 'queues', partition: targetKind, limit: 1000, consistent: true });
  }

  async function ofIncarnations(incarnations: ReadonlySet<string>): Promise<readonly TargetRecord[]> {
    if (incarnations.size > queuesReadMax) return (await all()).filter(({ incarnation }) => incarnations.has(incarnation));
    const targets = await Promise.all([...incarnations].map((incarnation) => list(incarnation, targetsOf({ incarnation }))));
    return targets.flat();
  }

  async function read(id: TargetId): Promise<Found | undefined> {
    const [row, queueRow] = await store.get([targetKey(id, id.name), queueKey(id.queue)]);
    const queue = queueRow && readQueue(queueRow);
    return row && queue?.incarnation === id.incarnation ? { target: readTarget(row), queue } : undefined;
  }

  return {
    changes: () => changes,
    all,
    ofIncarnations,
    read,
    async ofQueue(name) {
      const [row] = await store.get([queueKey(name)]);
      const queue = row && readQueue(row);
      return queue && { queue, targets: (await store.range(targetsOf(queue))).rows.map(readTarget) };
    },
    async readAll(ids) {
      const rows = await store.get(ids.map((id) => targetKey(id, id.name)));
      return rows.flatMap((row) => (row ? [readTarget(row)] : []));
    },
    async put(target, over) {
      noteChange();
      const key = targetKey(target, target.name);
      const written = over
        ? await store.write({ key, when: { equals: [['version'], over.version] }, then: { set: changedOf(target) } })
        : await store.write({ key, when: { absent: ['kind'] }, then: { put: targetRow(target) } });
      return written.ok;
    },
    async remove(id) {
      noteChange();
      const key = targetKey(id, id.name);
      return (await store.write({ key, when: { exists: ['kind'] }, then: { remove: true } })).ok;
    },
    async hold(id, holder, untilMs) {
      const isFree: Condition = {
        any: [{ absent: ['holder'] }, { equals: [['holder'], holder] }, { less: [['heldUntil'], clock.now()] }],
      };
      const set: [Path, Value][] = [
        [['holder'], holder],
        [['heldUntil'], untilMs],
      ];
      const written = await store.write({ key: targetKey(id, id.name), when: isFree, then: { set } });
      return written.ok && written.row ? readTarget(written.row) : undefined;
    },
    async endHold(id, holder) {
      const when: Condition = { equals: [['holder'], holder] };
      await store.write({ key: targetKey(id, id.name), when, then: { set: [[['heldUntil'], 0]], unset: [['holder']] } });
    },
    async saveCircuit(target, holder, circuit) {
      const when: Condition = { all: [{ equals: [['version'], target.version] }, { equals: [['holder'], holder] }] };
      const set: [Path, Value][] = [[['circuit'], circuitValue(circuit)]];
      await store.write({ key: targetKey(target, target.name), when, then: { set } });
    },
  };
}

/** Whether a dispatcher has something to do with the target now. */
export function isDeliverable({ terms, circuit }: TargetRecord, now: number): boolean {
  return !terms.paused && allowed(circuit, now) !== 'none';
}

/** What each put changes. The hold stays: its dispatcher continues under the new terms. */
function changedOf({ terms, circuit, version, updatedAt }: TargetRecord): [Path, Value][] {
  return [
    [['terms'], defined({ ...terms }) as Value],
    [['circuit'], circuitValue(circuit)],
    [['version'], version],
    [['updatedAt'], updatedAt],
  ];
}

function circuitValue({ failures, broken, hasEnded, error }: Circuit): Value {
  return defined({ failures, broken, hasEnded, error }) as Value;
}

function targetRow({ incarnation, queue, name, terms, circuit, version, createdAt, updatedAt }: TargetRecord): Row {
  const key = targetKey({ incarnation }, name) as { kind: string; name: string };
  return {
    kind: key.kind,
    name: key.name,
    incarnation,
    queue,
    target: name,
    terms: defined({ ...terms }) as Value,
    circuit: circuitValue(circuit),
    version,
    createdAt,
    updatedAt,
  };
}

function readTarget(row: Row): TargetRecord {
  return {
    incarnation: row.incarnation as string,
    queue: row.queue as string,
    name: row.target as string,
    terms: row.terms as unknown as TargetTerms,
    circuit: row.circuit as unknown as Circuit,
    version: row.version as string,
    ...(row.holder === undefined ? {} : { holder: row.holder as string, heldUntil: row.heldUntil as number }),
    createdAt: row.createdAt as number,
    updatedAt: row.updatedAt as number,
  };
}

const instant = (ms: number) => new Date(ms).toISOString();

/** The target as callers see it. */
export function describeTarget({ queue, name, terms, circuit, createdAt, updatedAt }: TargetRecord): Target {
  const { functionName = null, url = null, format, timeoutSeconds, paused, ...rest } = terms;
  const { failures, broken, hasEnded, error } = circuit;
  const state = hasEnded ? 'ended' : paused ? 'paused' : broken ? 'broken' : 'active';
  return {
    queue,
    name,
    functionName,
    url,
    batchSize: rest.batchSize,
    maxBatchingWindowSeconds: rest.maxBatchingWindowSeconds,
    maxConcurrency: rest.maxConcurrency,
    reportBatchItemFailures: rest.reportBatchItemFailures,
    format: url === null ? null : format,
    timeoutSeconds: url === null ? null : timeoutSeconds,
    state,
    failures,
    nextTryAt: state === 'broken' ? instant(broken!.nextTryAt) : null,
    lastError: error ? { at: instant(error.at), message: error.message } : null,
    createdAt: instant(createdAt),
    updatedAt: instant(updatedAt),
  };
}
