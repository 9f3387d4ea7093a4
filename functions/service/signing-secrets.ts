/**
 * The secrets that sign what the queue sends to URLs. Each queue's secrets are one row of `queues`, of a kind that IAM lets only the
 * functions that sign or rotate read. Unlike API keys they are stored in plain text, because signing needs the secret itself.
 */
import { randomBytes } from 'node:crypto';
import type { OutputOf } from '../../contract/contract.ts';
import { signingSecretOverlapMs, signingSecretsMax } from '../../contract/limits.ts';
import { signingKey, signingKind } from '../../engine/model/rows-by-name.ts';
import type { Clock, Row, Store } from '../../engine/port/port.ts';
import { untilDone } from '../../engine/port/until-done.ts';

/** Standard Webhooks: 24 to 64 random bytes, in base64 after this prefix. */
const prefix = 'whsec_';
const secretBytes = 32;

export interface SigningSecrets {
  /** Creates a new secret. Earlier ones keep signing for `signingSecretOverlapMs`. Throws StoreError. */
  rotate(queue: string): Promise<OutputOf<'rotateSigningSecret'>>;
  /** All secrets that sign now, newest first. If there is none, creates one, which is never shown. Throws StoreError. */
  current(queue: string): Promise<readonly string[]>;
  /** Deletes the secrets of a deleted queue. */
  forget(queue: string): Promise<void>;
}

interface Secret extends Row {
  secret: string;
  /** When it stops signing. Absent from the newest. */
  until?: number;
}

export function createSigningSecrets({ store, clock }: { store: Store; clock: Clock }): SigningSecrets {
  async function read(queue: string): Promise<{ version: number; secrets: Secret[] }> {
    const [row] = await store.get([signingKey(queue)]);
    return { version: (row?.version as number | undefined) ?? 0, secrets: (row?.secrets as Secret[] | undefined) ?? [] };
  }

  /** Returns whether the row was written: false if another process changed it first. */
  async function save(queue: string, version: number, secrets: Secret[]): Promise<boolean> {
    const written = await store.write({
      key: signingKey(queue),
      when: version === 0 ? { absent: ['version'] } : { equals: [['version'], version] },
      then: { put: { kind: signingKind, name: queue, version: version + 1, secrets } },
    });
    return written.ok;
  }

  async function rotate(queue: string): Promise<OutputOf<'rotateSigningSecret'>> {
    return untilDone(`the signing secrets of "${queue}"`, await read(queue), async ({ version, secrets }) => {
      const now = clock.now();
      const until = now + signingSecretOverlapMs;
      const earlier = signing(secrets, now).map((one) => ({ secret: one.secret, until: one.until ?? until }));
      const secret = newSecret();
      const isSaved = await save(queue, version, [{ secret }, ...earlier].slice(0, signingSecretsMax));
      return isSaved ? { done: { secret } } : { seen: await read(queue) };
    });
  }

  async function current(queue: string): Promise<readonly string[]> {
    return untilDone(`the signing secrets of "${queue}"`, await read(queue), async ({ version, secrets }) => {
      const found = signing(secrets, clock.now());
      if (found.length > 0) return { done: found.map(({ secret }) => secret) };
      await save(queue, version, [{ secret: newSecret() }]);
      return { seen: await read(queue) };
    });
  }

  return {
    rotate,
    current,
    async forget(queue) {
      await store.write({ key: signingKey(queue), then: { remove: true } });
    },
  };
}

function signing(secrets: readonly Secret[], now: number): Secret[] {
  return secrets.filter(({ until }) => until === undefined || until > now);
}

function newSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64');
}
