/** How an API key is stored: a row of `queues` of kind `key`, under the key's id. The row holds a hash of the key, never the key. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { ApiKey, Scope } from '../../contract/contract.ts';
import { generatedKeyChars } from '../../contract/generated-keys.ts';
import type { Key, Random, Row, Value } from '../../engine/port/port.ts';
import { base32 } from '../../engine/port/random.ts';
import { coversAll } from './name-patterns.ts';

export const keyKind = 'key';
/** Each character holds 5 bits: 60 bits make an id unique, 160 bits make a secret unguessable. */
const idChars = 12;
const secretChars = 32;
const form = new RegExp(`^dw_([0-9a-z]{${idChars}})_[0-9a-z]{${secretChars}}$`);
/** Texts that Secrets Manager generated for the keys that a stack declares. They hold no id: it is derived from them. */
const generatedForm = new RegExp(`^[0-9A-Za-z]{${generatedKeyChars}}$`);

export interface StoredKey extends ApiKey {
  hash: Uint8Array;
  /** Whether AWS clients may sign for the key, with the pair that belongs to it. */
  accessKey: boolean;
  /** When what the key may do was changed, ms. Undefined: never. */
  changedAt?: number;
}

export function newKeyText(random: Random): { id: string; text: string } {
  const id = random.chars(idChars);
  return { id, text: `dw_${id}_${random.chars(secretChars)}` };
}

/** The id of the key with this text. Undefined if the text does not have the form of a key. */
export function keyIdOf(text: string): string | undefined {
  return generatedForm.test(text) ? generatedKeyId(text) : form.exec(text)?.[1];
}

function generatedKeyId(text: string): string {
  return [...keyHash(text).subarray(0, idChars)].map((byte) => base32[byte % base32.length]).join('');
}

/** A plain hash is enough: a key has 160 random bits and cannot be brute-forced. */
export function keyHash(text: string): Uint8Array {
  return hash('sha256', text, 'buffer');
}

/** Compares in constant time, so that timing does not reveal where the hashes differ. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
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
    topics: [...key.topics],
    scopes: [...key.scopes],
    createdAt: Date.parse(key.createdAt),
    ...(key.accessKey ? { accessKey: true } : {}),
    ...(key.changedAt === undefined ? {} : { changedAt: key.changedAt }),
    ...(key.expiresAt === null ? {} : { expiresAt: Date.parse(key.expiresAt) }),
    ...(key.lastUsedAt === null ? {} : { lastUsedAt: Date.parse(key.lastUsedAt) }),
  };
}

export function storedKey(row: Row): StoredKey {
  return {
    id: row.name as string,
    name: row.label as string,
    queues: row.queues as string[],
    topics: (row.topics as string[] | undefined) ?? topicsDefault(row.queues as string[]),
    scopes: row.scopes as Scope[],
    createdAt: instantOf(row.createdAt) as string,
    expiresAt: instantOf(row.expiresAt),
    lastUsedAt: instantOf(row.lastUsedAt),
    hash: row.hash as Uint8Array,
    accessKey: row.accessKey === true,
    ...(row.changedAt === undefined ? {} : { changedAt: row.changedAt as number }),
  };
}

/** A key for all queues covers all topics, unless it says which. Keys that were stored before there were topics do not say. */
export function topicsDefault(queues: readonly string[]): string[] {
  return coversAll(queues) ? ['*'] : [];
}

function instantOf(ms: Value | undefined): string | null {
  return ms === undefined ? null : new Date(ms as number).toISOString();
}
