/** The access key that a local server issues at its first start, so that AWS clients can call it at once. */
import { randomBytes } from 'node:crypto';
import { type AccessKeyPair, type AccessKeys, createAccessKeys } from '../auth/access-keys.ts';
import type { Keys } from '../auth/api-keys.ts';
import { administrator, allScopes } from '../auth/authorize.ts';
import { type DataFolder, readAccessKeySecret } from './data-folder.ts';
import type { LocalData } from './local-store.ts';
import { StartFailure } from './start-failure.ts';

/** An access key, and whether it was issued at this start. */
export interface FirstAccessKey extends AccessKeyPair {
  isNew: boolean;
}

/** Undefined if the rows outlive this process, and there is no folder that would keep the secret. */
export function localAccessKeys(place: LocalData['place'], folder: DataFolder | undefined): AccessKeys | undefined {
  if (folder) return createAccessKeys(() => readAccessKeySecret(folder.path));
  if (place !== 'memory') return undefined;
  const secret = randomBytes(32).toString('base64');
  return createAccessKeys(async () => secret);
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
  const input = { name: 'first access key', queues: ['*'], topics: ['*'], scopes: [...allScopes], accessKey: true };
  const { id, accessKeyId, secretAccessKey } = await keys.create(input, administrator('admin'));
  try {
    await folder?.save({ accessKeyOf: id });
  } catch (cause) {
    // The next start issues another.
    await keys.revoke(id).catch(() => undefined);
    const reason = (cause as Error).message;
    throw new StartFailure(
      `The first access key cannot be stored in ${folder?.path}: ${reason}. Make room, or correct the folder.`,
      {
        cause,
      },
    );
  }
  return { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, isNew: true };
}
