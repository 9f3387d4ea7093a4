/**
 * Identifies the caller of an HTTP request by `Authorization: Bearer <key>` (RFC 6750).
 * This folder holds API keys and permissions. This file turns a key into a principal; `authorize.ts` checks what a principal may do.
 */
import { DumbwaiterError } from '../../contract/errors.ts';
import type { AdminKey } from './admin-key.ts';
import type { Keys } from './api-keys.ts';
import { administrator, type Principal } from './authorize.ts';
import { keyHash, keyIdOf, sameBytes } from './key-rows.ts';

/** Throws DumbwaiterError `unauthorized`. */
export type Authenticate = (authorization: string | undefined) => Promise<Principal>;

export function createAuthenticate({
  keys,
  adminKey,
}: {
  keys: Pick<Keys, 'find' | 'isOver' | 'noteUse'>;
  adminKey: AdminKey;
}): Authenticate {
  return async (authorization) => {
    if (authorization === undefined) throw new DumbwaiterError('unauthorized', 'Send an API key: Authorization: Bearer <key>.');
    const given = /^Bearer +(\S+)$/i.exec(authorization.trim())?.[1];
    if (given === undefined) throw new DumbwaiterError('unauthorized', 'The Authorization header must read: Bearer <key>.');
    const hash = keyHash(given);
    const id = keyIdOf(given);
    const key = id === undefined ? undefined : await keys.find(id);
    if (key !== undefined && sameBytes(key.hash, hash)) {
      if (keys.isOver(key)) throw new DumbwaiterError('unauthorized', `The API key expired at ${key.expiresAt}.`);
      await keys.noteUse(key);
      return key;
    }
    const admin = await adminKey.read();
    if (admin !== undefined && sameBytes(keyHash(admin), hash)) return administrator('admin');
    throw new DumbwaiterError('unauthorized', 'The API key is unknown or revoked.');
  };
}
