/** Identifies the caller of SQS by the signature of the request, made with the access key of an API key. */
import type { KeyObject } from 'node:crypto';
import { type Scope, signingKey } from '../../aws/signature.ts';
import { keysCachedMax } from '../../contract/limits.ts';
import type { Clock } from '../../engine/port/port.ts';
import { keyIdOfAccessKey } from '../auth/access-keys.ts';
import type { Keys } from '../auth/api-keys.ts';
import { administrator, type Principal } from '../auth/authorize.ts';
import { SqsError } from './errors.ts';
import { checkSignature, checkTime, type SignedRequest, signatureIn } from './signature.ts';

/** Throws SqsError, or DumbwaiterError `unavailable`. */
export type AuthenticateSqs = (request: SignedRequest) => Promise<Principal>;

export interface AuthenticateSqsParts {
  keys: Pick<Keys, 'find' | 'isOver' | 'noteUse' | 'pairOf'>;
  clock: Clock;
  /** Accepts any signature, or none. */
  isAnonymous: boolean;
}

export function createAuthenticateSqs({ keys, clock, isAnonymous }: AuthenticateSqsParts): AuthenticateSqs {
  const signingKeyOf = createSigningKeys();
  return async function authenticateSqs(request) {
    if (isAnonymous) return administrator('admin');
    const signature = signatureIn(request);
    const id = keyIdOfAccessKey(signature.accessKeyId);
    const key = id === undefined ? undefined : await keys.find(id);
    const pair = key && (await keys.pairOf(key));
    if (!key || !pair) {
      throw new SqsError('InvalidClientTokenId', 'The security token included in the request is invalid.');
    }
    checkTime(signature, clock.now());
    checkSignature(request, signature, signingKeyOf(pair.secretAccessKey, signature.scope));
    if (keys.isOver(key)) throw new SqsError('ExpiredToken', 'The security token included in the request is expired.');
    await keys.noteUse(key);
    return key;
  };
}

/** Keeps the keys used last: deriving one takes longer than the rest of a signature. */
function createSigningKeys(): (secret: string, scope: Scope) => KeyObject {
  const kept = new Map<string, KeyObject>();
  return (secret, scope) => {
    const name = `${scope.day}/${scope.region}/${scope.service}/${secret}`;
    const key = kept.get(name) ?? signingKey(secret, scope);
    kept.delete(name);
    kept.set(name, key);
    for (const oldest of kept.keys()) {
      if (kept.size <= keysCachedMax) break;
      kept.delete(oldest);
    }
    return key;
  };
}
