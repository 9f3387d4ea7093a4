/**
 * Identifies the caller of a request to SQS. Signatures are not verified yet: either every request is accepted, for tests on the
 * same machine, or none is.
 */
import { administrator, type Principal } from '../auth/authorize.ts';
import { SqsError } from './errors.ts';

/** A request as it was signed. */
export interface SignedRequest {
  method: string;
  url: string;
  headers: Headers;
  body: Uint8Array;
}

/** Throws SqsError `InvalidClientTokenId`. */
export type AuthenticateSqs = (request: SignedRequest) => Promise<Principal>;

/** `isAnonymous`: accepts any signature, or none. */
export function createAuthenticateSqs({ isAnonymous }: { isAnonymous: boolean }): AuthenticateSqs {
  return async function authenticateSqs() {
    if (isAnonymous) return administrator('admin');
    throw new SqsError('InvalidClientTokenId', 'The security token included in the request is invalid.');
  };
}
