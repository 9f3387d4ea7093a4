/** Registers the API key that a stack declares for one of its programs. The text of the key is a secret that the stack generated. */
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { parseInput } from '../../contract/schemas/parse.ts';
import type { Clock } from '../../engine/port/port.ts';
import type { Keys } from '../auth/api-keys.ts';
import type { TimeLeft } from './time-left.ts';

export interface KeyProperties {
  /** The input of `createKey`, as JSON text. */
  keyJson: string;
  secretArn: string;
}

/** The stack permits reading the secret just before. IAM takes some seconds to apply that. DynamoDB may be too busy. */
const retryMs = 2_000;

export interface KeyParts {
  keys: Pick<Keys, 'register'>;
  /** Undefined if the secret is not text. */
  readSecret: (arn: string) => Promise<string | undefined>;
  clock: Pick<Clock, 'sleep'>;
}

/** Returns the id of the key. Tries again until `signal`, and then throws what the last attempt threw. */
export async function declareKey(
  { keys, readSecret, clock }: KeyParts,
  { keyJson, secretArn }: KeyProperties,
  { signal }: Pick<TimeLeft, 'signal'>,
): Promise<string> {
  const terms = parseInput('createKey', JSON.parse(keyJson));
  return withRetries(clock, signal, async () => {
    const id = await keys.register((await readSecret(secretArn)) ?? '', terms);
    if (id === undefined) throw invalidInput(`${secretArn}: does not hold a key that Secrets Manager generated`);
    return id;
  });
}

/** Revokes the key. A resource that was never made has an id that no key has. Tries again as `declareKey` does. */
export async function removeKey(
  { keys, clock }: { keys: Pick<Keys, 'revoke'>; clock: KeyParts['clock'] },
  id: string,
  { signal }: Pick<TimeLeft, 'signal'>,
): Promise<void> {
  try {
    await withRetries(clock, signal, () => keys.revoke(id));
  } catch (error) {
    if (!(error instanceof DumbwaiterError) || error.code !== 'key_not_found') throw error;
  }
}

/** A DumbwaiterError is final. */
async function withRetries<Result>(clock: KeyParts['clock'], signal: AbortSignal, run: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (error instanceof DumbwaiterError || signal.aborted) throw error;
      await clock.sleep(retryMs, signal).catch(() => Promise.reject(error));
    }
  }
}
