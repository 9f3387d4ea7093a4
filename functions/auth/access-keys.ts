/**
 * Access keys of AWS clients: pairs of an id and a secret. A pair belongs to an API key, and has its scopes and its end. The id is made
 * from the key's id. The secret is derived from it and a master secret, so it is stored nowhere, and can be recovered to verify signatures.
 */
import { createHmac } from 'node:crypto';
import { defined } from '../../contract/defined.ts';
import { invalidInput } from '../../contract/errors.ts';
import { keysCachedMax } from '../../contract/limits.ts';
import type { Clock } from '../../engine/port/port.ts';
import { cachedSecret, type ReadSecret } from './cached-secret.ts';

export interface AccessKeyPair {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface AccessKeys {
  /** Throws `invalid_input` if this server has no master secret, and `unavailable` if it cannot be read. */
  pairOf(keyId: string): Promise<AccessKeyPair>;
}

const prefix = 'DWAK';
const form = new RegExp(`^${prefix}([0-9A-Z]{12})$`);
/** As many characters as the secrets of AWS have: 30 bytes in base64. */
const secretBytes = 30;

export function accessKeyIdOf(keyId: string): string {
  return prefix + keyId.toUpperCase();
}

/** The id of the API key to which an access key belongs. Undefined if the text is none of ours. */
export function keyIdOfAccessKey(accessKeyId: string): string | undefined {
  return form.exec(accessKeyId)?.[1]?.toLowerCase();
}

export function secretAccessKeyOf(master: string, keyId: string): string {
  return createHmac('sha256', master).update(`access key ${keyId}`).digest().subarray(0, secretBytes).toString('base64');
}

/** `readMaster` returns `undefined` if this server has no master secret. */
export function createAccessKeys(readMaster: ReadSecret): AccessKeys {
  // Deriving a secret takes as long as verifying a signature with it.
  let derived = { master: '', secrets: new Map<string, string>() };

  function secretOf(master: string, keyId: string): string {
    if (derived.master !== master || derived.secrets.size >= keysCachedMax) derived = { master, secrets: new Map() };
    const secret = derived.secrets.get(keyId) ?? secretAccessKeyOf(master, keyId);
    derived.secrets.set(keyId, secret);
    return secret;
  }

  return {
    async pairOf(keyId) {
      const master = await readMaster();
      if (master === undefined) throw invalidInput('accessKey: this server has no secret for access keys');
      return { accessKeyId: accessKeyIdOf(keyId), secretAccessKey: secretOf(master, keyId) };
    },
  };
}

/** With a master secret that is kept elsewhere. By default, another one takes effect within `keyCacheMs`. */
export function secretAccessKeys(fetchMaster: ReadSecret, clock: Clock, cacheMs?: number): AccessKeys {
  return createAccessKeys(cachedSecret(fetchMaster, { clock, name: 'The secret of access keys', ...defined({ cacheMs }) }));
}
