/**
 * The record of a publication, a row of `queues`: a publish whose messages still go out to subscriptions, or a prepared one. Few
 * go out at any time: a row is removed when the last subscription has its messages. Prepared ones may be many, so they come after
 * the others in order of name. Each change is conditional on the row's version, and goes with the messages that it accounts for in
 * one transaction.
 */
import { tombstoneMs } from '../../contract/limits.ts';
import type { Context } from '../context/context.ts';
import { decodeStoredContent, encodeStoredContent, type StoredContent } from '../model/content-codec.ts';
import { removableAt } from '../model/rows.ts';
import type { Condition, Key, Row, Write } from '../port/port.ts';

/** `committed` and `rolled_back`: tombstones of prepared publications, which answer repeated calls. */
export type StoredState = 'prepared' | 'delivering' | 'committed' | 'rolled_back';

export interface PublicationRecord {
  /** The name of the row: ordered by time, except for a prepared message (`preparedName`). */
  name: string;
  topic: string;
  topicIncarnation: string;
  /** Subscriptions that were added by a later revision do not get the messages. */
  revision: number;
  state: StoredState;
  content: StoredContent;
  /** From when delays count, ms. */
  startedAt: number;
  /** The name of the last subscription that is done. */
  after?: string;
  /** While it is delivering: when another process may go on. While it is prepared: when it is rolled back, ms. */
  dueAt: number;
  /** When a sweep first left it standing, ms. A caller's own transaction may commit long after `startedAt`. */
  leftAt?: number;
  /** Whether its messages belong to groups, whose order later publishes must keep. */
  hasGroups?: true;
  /** Of a tombstone: until when it counts, ms. */
  until?: number;
  version: string;
}

export const publicationKind = 'publication';
/** Names of publications that began, for as long as a late copy of the request that began one may arrive. */
export const begunKind = 'begun-publication';

/** Bytes of content in the row. Larger content is offloaded, because each step writes the row. */
export const contentInRowBytesMax = 512;

/** Begins the names of prepared publications. No id that the queue generates sorts after it. */
const preparedMark = '~';

export function preparedName(topicIncarnation: string, id: string): string {
  return `${preparedMark}${topicIncarnation}/${id}`;
}

/** The range of all publications but prepared ones. */
export const goingOut = { table: 'queues', partition: publicationKind, to: preparedMark } as const;

export function publicationKey(name: string): Key {
  return { table: 'queues', kind: publicationKind, name };
}

export function begunKey(name: string): Key {
  return { table: 'queues', kind: begunKind, name };
}

export function publicationRow({ content, ...plain }: PublicationRecord): Row {
  const ttl = plain.until === undefined ? {} : { ttl: removableAt(plain.until) };
  return { ...plain, kind: publicationKind, ...encodeStoredContent(content), ...ttl };
}

export function readPublication(row: Row): PublicationRecord {
  const { kind: _, bodies: __, beside: ___, chunks: ____, size: _____, ttl: ______, ...fields } = row;
  return { ...fields, content: decodeStoredContent(row) } as unknown as PublicationRecord;
}

/** Puts the record if it is as it was read. */
export function publicationWrite(before: PublicationRecord, next: PublicationRecord): Write {
  return { key: publicationKey(before.name), when: hasVersion(before), then: { put: publicationRow(next) } };
}

function hasVersion({ version }: PublicationRecord): Condition {
  return { equals: [['version'], version] };
}

/**
 * Notes that the publication of this name began. A late copy of the request that begins it finds the note, even when the publication
 * has ended. `countsMs`: how long the note stays.
 */
export function begunWrite(publication: string, now: number, countsMs = tombstoneMs): Write {
  const put: Row = { kind: begunKind, name: publication, ttl: removableAt(now + countsMs) };
  return { key: begunKey(publication), when: { absent: ['name'] }, then: { put } };
}

/** Puts the row of a publication that begins. */
export function firstRow(record: PublicationRecord): Write {
  return { key: publicationKey(record.name), when: { absent: ['name'] }, then: { put: publicationRow(record) } };
}

/** The write that ends a publication whose messages are all out. */
export function removal(record: PublicationRecord): Write {
  return { key: publicationKey(record.name), when: hasVersion(record), then: { remove: true } };
}

/** The write that decides a prepared publication: it becomes a tombstone. */
export function decision(
  ctx: Context,
  record: PublicationRecord,
  state: 'committed' | 'rolled_back',
): { write: Write; version: string } {
  const until = ctx.clock.now() + tombstoneMs;
  const version = ctx.newVersion();
  const decided: PublicationRecord = { ...record, state, content: { text: '[]' }, dueAt: until, until, version };
  return { write: publicationWrite(record, decided), version };
}
