/**
 * The audit: a row of `queues` for each call that changed something, for 30 days. The row is written after the change, so a call whose
 * row cannot be written succeeds all the same.
 */
import { type AuditedOperation, auditedOperations } from '../../contract/audit.ts';
import type { AuditEntry, CheckedInputOf, OperationName, OutputOf } from '../../contract/contract.ts';
import { invalidInput } from '../../contract/errors.ts';
import { auditExaminedMax, auditKeptSeconds, auditWriteMsMax, pageEntriesDefault } from '../../contract/limits.ts';
import type { Clock, Random, Row, Store } from '../../engine/port/port.ts';
import type { Principal } from '../auth/authorize.ts';

/** A checked call. */
export interface AuditedCall {
  operation: OperationName;
  params: object;
  input: object;
  principal: Principal;
  /** See `Caller`. */
  endsAt?: number | undefined;
}

export interface Audit {
  /** Runs the call, and records it if it changed something. Resolves when it is recorded, or `auditWriteMsMax` after the change. */
  recorded<Output extends object>(call: AuditedCall, run: () => Promise<Output>): Promise<Output>;
  list(input: CheckedInputOf<'listAudit'>): Promise<OutputOf<'listAudit'>>;
}

export interface AuditParts {
  store: Store;
  clock: Clock;
  random: Random;
  onError(error: unknown, operation: OperationName): void;
}

/** The partitions of the rows. Calls are spread over them, so that none takes the writes of all. */
export const auditKinds = ['audit0', 'audit1', 'audit2', 'audit3'] as const;
const suffixChars = 8;
const audited: ReadonlySet<OperationName> = new Set(auditedOperations);
/** They succeed without a change if what they would make exists. */
const creations: ReadonlySet<OperationName> = new Set(['createQueue', 'createTopic', 'subscribe']);

/** Stores read in ascending order. The name of an instant is its distance to this one, so that the newest entry comes first. */
const latest = 9_999_999_999_999;
const nameAt = (ms: number) => String(latest - Math.max(0, ms)).padStart(String(latest).length, '0');
const cursorForm = /^\d{13}-[0-9a-z]{8}$/;

export function createAudit({ store, clock, random, onError }: AuditParts): Audit {
  async function write(call: AuditedCall, output: object): Promise<void> {
    const now = clock.now();
    const kind = auditKinds[Math.floor(random.number() * auditKinds.length)]!;
    const name = `${nameAt(now)}-${random.chars(suffixChars)}`;
    const ttl = Math.ceil(now / 1000) + auditKeptSeconds;
    const row = { kind, name, ttl, entry: JSON.stringify(entryOf(call, output, now)) };
    await store.write({ key: { table: 'queues', kind, name }, then: { put: row } });
  }

  /** The rows of one partition, and the name up to which they are complete. */
  async function read(kind: string, from: string, to: string, limit: number): Promise<{ rows: Row[]; upTo: string }> {
    const { rows, next } = await store.range({ table: 'queues', partition: kind, from, to, limit, consistent: true });
    return { rows, upTo: next === undefined ? to : (next.name as string) };
  }

  return {
    async recorded(call, run) {
      const { operation, endsAt = Number.POSITIVE_INFINITY } = call;
      const startedAt = clock.now();
      const output = await run();
      if (!audited.has(operation) || (creations.has(operation) && createdAtOf(output) < startedAt)) return output;
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.min(auditWriteMsMax, Math.max(0, endsAt - clock.now())));
      await Promise.race([write(call, output).catch((error: unknown) => onError(error, operation)), late]);
      clearTimeout(timer);
      return output;
    },
    async list({ limit = pageEntriesDefault, cursor, queue, key, from, until }) {
      if (cursor !== undefined && !cursorForm.test(cursor)) {
        throw invalidInput('cursor: must come from an earlier page of this list');
      }
      const oldest = Math.max(clock.now() - auditKeptSeconds * 1000, from === undefined ? 0 : Date.parse(from));
      const newest = until === undefined ? latest : Math.min(latest, Date.parse(until) - 1);
      const first = nameAt(newest);
      // Names have one length, so this is the first that comes after the cursor.
      let begin = cursor === undefined || cursor < first ? first : `${cursor}0`;
      const end = `${nameAt(oldest)}~`;
      const entries: AuditEntry[] = [];
      const isFiltered = queue !== undefined || key !== undefined;
      for (let examined = 0; examined < auditExaminedMax && begin < end; ) {
        const rowsWanted = isFiltered ? rowsARead : limit - entries.length;
        const parts = await Promise.all(auditKinds.map((kind) => read(kind, begin, end, rowsWanted)));
        const upTo = parts.map((part) => part.upTo).sort()[0]!;
        const rows = parts.flatMap((part) => part.rows).filter(({ name }) => (name as string) <= upTo);
        for (const row of rows.sort((one, other) => ((one.name as string) < (other.name as string) ? -1 : 1))) {
          const entry = JSON.parse(row.entry as string) as AuditEntry;
          if ((queue ?? entry.params.queue) !== entry.params.queue || (key ?? entry.key.id) !== entry.key.id) continue;
          entries.push(entry);
          if (entries.length === limit) return { entries, cursor: row.name as string };
        }
        examined += rows.length;
        begin = `${upTo}0`;
      }
      return { entries, ...(begin < end && { cursor: begin.slice(0, -1) }) };
    },
  };
}

/** Rows of each partition that one read takes where most are left out. */
const rowsARead = 100;

function createdAtOf(output: object): number {
  return Date.parse((output as { createdAt: string }).createdAt);
}

function entryOf({ operation, params, input, principal }: AuditedCall, output: object, now: number): AuditEntry {
  const { id, name } = principal;
  const created = operation === 'createKey' ? { id: (output as { id: string }).id } : {};
  return {
    at: new Date(now).toISOString(),
    operation: operation as AuditedOperation,
    key: { id, ...(name !== undefined && { name }) },
    params: { ...params, ...created },
    input: Object.fromEntries(Object.entries(input).map(([field, value]) => [field, shown(field, value)])),
  };
}

function shown(field: string, value: unknown): number | boolean | string | null {
  // Of a key: words of a fixed set.
  if (field === 'scopes') return (value as string[]).join(', ');
  return value === null || typeof value === 'number' || typeof value === 'boolean' ? value : '…';
}
