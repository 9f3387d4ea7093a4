/** How an API key is stored: a row of `queues` of kind `key`, under its id. Of its secret only a hash is kept. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKey, Scope } from '../../contract/contract.ts';
import type { Key, Random, Row, Value } from '../../engine/port/port.ts';

export const keyKind = 'key';
/** Five bits each: 60 bits tell keys apart, 160 bits keep one secret. */
const idChars = 12;
const secretChars = 32;
const form = new RegExp(`^dw_([0-9a-z]{${idChars}})_[0-9a-z]{${secretChars}}$`);

export interface StoredKey extends ApiKey {
  hash: Uint8Array;
}

export function newKeyText(random: Random): { id: string; text: string } {
  const id = random.chars(idChars);
  return { id, text: `dw_${id}_${random.chars(secretChars)}` };
}

/** The id within a key, if it has the form of one. */
export function keyIdOf(text: string): string | undefined {
  return form.exec(text)?.[1];
}

/** A plain hash will do: what is hashed is random, of 160 bits, and cannot be tried out. */
export function keyHash(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

/** In a time that tells nothing of where they differ. */
export function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

export function keyOfRow(id: string): Key {
  return { table: 'queues', kind: keyKind, name: id };
}

export function rowOf(key: StoredKey): Row {
  return {
    kind: keyKind,
    name: key.id,
    label: key.name,
    hash: key.hash,
    queues: [...key.queues],
    scopes: [...key.scopes],
    createdAt: Date.parse(key.createdAt),
    ...(key.expiresAt === null ? {} : { expiresAt: Date.parse(key.expiresAt) }),
    ...(key.lastUsedAt === null ? {} : { lastUsedAt: Date.parse(key.lastUsedAt) }),
  };
}

export function storedKey(row: Row): StoredKey {
  return {
    id: row.name as string,
    name: row.label as string,
    queues: row.queues as string[],
    scopes: row.scopes as Scope[],
    createdAt: instantOf(row.createdAt) as string,
    expiresAt: instantOf(row.expiresAt),
    lastUsedAt: instantOf(row.lastUsedAt),
    hash: row.hash as Uint8Array,
  };
}

function instantOf(ms: Value | undefined): string | null {
  return ms === undefined ? null : new Date(ms as number).toISOString();
}
