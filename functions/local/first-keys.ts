/** The keys that a local server issues at its first start, so that clients can call it at once: an API key, and an access key for AWS clients. */
import { randomBytes } from 'node:crypto';
import type { InputOf, OutputOf } from '../../contract/contract.ts';
import { fullAccess } from '../../contract/scopes.ts';
import type { Clock } from '../../engine/port/port.ts';
import { type AccessKeyPair, type AccessKeys, createAccessKeys, secretAccessKeys } from '../auth/access-keys.ts';
import type { Keys } from '../auth/api-keys.ts';
import { administrator } from '../auth/authorize.ts';
import { type DataFolder, readAccessKeySecret } from './data-folder.ts';
import type { LocalData } from './local-store.ts';
import { StartFailure } from './start-failure.ts';

/**
 * Where the first API key of this server comes from. `given`: from the caller. `generated`: at this start. `folder`: an earlier start stored
 * it in the data folder. `elsewhere`: keys exist, but their text is not stored here.
 */
export type FirstKey = { from: 'given' | 'folder' | 'elsewhere' } | { from: 'generated'; text: string };

/** An access key, and whether it was issued at this start. */
export interface FirstAccessKey extends AccessKeyPair {
  isNew: boolean;
}

/** Undefined if the rows outlive this process, and there is no folder that would keep the secret. */
export function localAccessKeys(place: LocalData['place'], folder: DataFolder | undefined, clock: Clock): AccessKeys | undefined {
  // Read once: reading would create the file again if it were removed meanwhile.
  if (folder) return secretAccessKeys(() => readAccessKeySecret(folder.path), clock, Number.POSITIVE_INFINITY);
  if (place !== 'memory') return undefined;
  const secret = randomBytes(32).toString('base64');
  return createAccessKeys(async () => secret);
}

/** `declared`: ids of keys that a seed file declares. They do not count as a first key. Throws StartFailure. */
export async function firstKeyOf(
  keys: Keys,
  adminKey: string | undefined,
  folder: DataFolder | undefined,
  declared: readonly string[],
): Promise<FirstKey> {
  if (adminKey !== undefined) return { from: 'given' };
  if (folder?.settings.apiKey !== undefined) return { from: 'folder' };
  const others = new Set([...declared, folder?.settings.accessKeyOf]);
  const { keys: earlier } = await keys.list({ limit: others.size + 1 });
  if (earlier.some(({ id }) => !others.has(id))) return { from: 'elsewhere' };
  const { key } = await issue(keys, folder, { name: 'first key' }, 'API key', (created) => ({ apiKey: created.key }));
  return { from: 'generated', text: key };
}

/** Undefined if the one that the server issued is revoked. Throws StartFailure. */
export async function firstAccessKeyOf(keys: Keys, folder: DataFolder | undefined): Promise<FirstAccessKey | undefined> {
  // Creates the secret, or fails before there is a key.
  if (folder) await readAccessKeySecret(folder.path);
  const earlier = folder?.settings.accessKeyOf;
  if (earlier !== undefined) {
    const key = await keys.find(earlier);
    const pair = key && (await keys.pairOf(key));
    return pair && { ...pair, isNew: false };
  }
  const input = { name: 'first access key', accessKey: true };
  const { accessKeyId, secretAccessKey } = await issue(keys, folder, input, 'access key', ({ id }) => ({ accessKeyOf: id }));
  return { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, isNew: true };
}

/** Creates a key that may do everything, and stores in the data folder what the next start must know of it. */
async function issue(
  keys: Keys,
  folder: DataFolder | undefined,
  input: Pick<InputOf<'createKey'>, 'name' | 'accessKey'>,
  what: string,
  settingsOf: (created: OutputOf<'createKey'>) => Partial<DataFolder['settings']>,
): Promise<OutputOf<'createKey'>> {
  const created = await keys.create({ ...input, queues: ['*'], topics: ['*'], scopes: [...fullAccess] }, administrator('admin'));
  try {
    await folder?.save(settingsOf(created));
  } catch (cause) {
    // What a caller needs of this key is stored nowhere. The next start issues another, if there is none.
    await keys.revoke(created.id).catch(() => undefined);
    const reason = (cause as Error).message;
    throw new StartFailure(
      `The first ${what} cannot be stored in ${folder?.path}: ${reason}. Make room, or correct the folder.`,
      { cause },
    );
  }
  return created;
}
