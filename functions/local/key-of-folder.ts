/** The key that a local server generated at its first start, and the secret of its access key, as its data folder has them. */
import { secretAccessKeyOf } from '../auth/access-keys.ts';
import { readAccessKeySecret, readDataFolderSettings } from './data-folder.ts';
import { StartFailure } from './start-failure.ts';

/** Throws StartFailure if no server generated one there. */
export async function keyOfFolder(data: string, isSecretAccessKey: boolean): Promise<string> {
  const { apiKey, accessKeyOf } = await readDataFolderSettings(data);
  if (isSecretAccessKey) {
    if (accessKeyOf === undefined) throw new StartFailure(`${data} contains no access key: no local server issued one there.`);
    return secretAccessKeyOf(await readAccessKeySecret(data), accessKeyOf);
  }
  if (apiKey === undefined) throw new StartFailure(`${data} contains no key: no local server generated one there.`);
  return apiKey;
}
