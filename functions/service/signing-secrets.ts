/**
 * Secrets that sign what the queue sends to URLs, one for each queue: a row of `queues` of a kind that only the functions which sign or
 * rotate may read. Unlike API keys they are stored as they are, since signing takes the secret itself.
 */
import { randomBytes } from 'node:crypto';
import type { OutputOf } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { signingSecretOverlapMs, signingSecretsMax } from '../../contract/limits.ts';
import type { Clock, Key, Row, Store } from '../../engine/port/port.ts';

export const signingKind = 'signing';
/** Standard Webhooks: 24 to 64 bytes of chance, base64 after this prefix. */
const prefix = 'whsec_';
const secretBytes = 32;
const roundsMax = 5;

export interface SigningSecrets {
  /** Makes a new secret. Earlier ones sign too for `signingSecretOverlapMs`. */
  rotate(queue: string): Promise<OutputOf<'rotateSigningSecret'>>;
  /** All that sign now, the newest first. Where there is none yet, one is made that nobody has seen. */
  current(queue: string): Promise<readonly string[]>;
  /** Of a queue that was deleted. */
  forget(queue: string): Promise<void>;
}

interface Secret extends Row {
  secret: string;
  /** Absent of the newest. */
  until?: number;
}

export function createSigningSecrets({ store, clock }: { store: Store; clock: Clock }): SigningSecrets {
  async function read(queue: string): Promise<{ version: number; secrets: Secret[] }> {
    const [row] = await store.get([keyOf(queue)]);
    return { version: (row?.version as number | undefined) ?? 0, secrets: (row?.secrets as Secret[] | undefined) ?? [] };
  }

  /** Answers whether it was written: not if another was first. */
  async function save(queue: string, version: number, secrets: Secret[]): Promise<boolean> {
    const written = await store.write({
      key: keyOf(queue),
      when: version === 0 ? { absent: ['version'] } : { equals: [['version'], version] },
      then: { put: { kind: signingKind, name: queue, version: version + 1, secrets } },
    });
    return written.ok;
  }

  async function rotate(queue: string): Promise<OutputOf<'rotateSigningSecret'>> {
    for (let round = 0; round < roundsMax; round++) {
      const { version, secrets } = await read(queue);
      const now = clock.now();
      const until = now + signingSecretOverlapMs;
      const earlier = signing(secrets, now).map((one) => ({ secret: one.secret, until: one.until ?? until }));
      const secret = newSecret();
      if (await save(queue, version, [{ secret }, ...earlier].slice(0, signingSecretsMax))) return { secret };
    }
    throw new DumbwaiterError('unavailable', 'Others change the signing secret of this queue at the same time; try again.');
  }

  async function current(queue: string): Promise<readonly string[]> {
    for (let round = 0; round < roundsMax; round++) {
      const { version, secrets } = await read(queue);
      const found = signing(secrets, clock.now());
      if (found.length > 0) return found.map(({ secret }) => secret);
      await save(queue, version, [{ secret: newSecret() }]);
    }
    throw new DumbwaiterError('unavailable', 'The signing secret of this queue cannot be read; try again.');
  }

  return {
    rotate,
    current,
    async forget(queue) {
      await store.write({ key: keyOf(queue), then: { remove: true } });
    },
  };
}

function signing(secrets: readonly Secret[], now: number): Secret[] {
  return secrets.filter(({ until }) => until === undefined || until > now);
}

function newSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64');
}

function keyOf(queue: string): Key {
  return { table: 'queues', kind: signingKind, name: queue };
}
