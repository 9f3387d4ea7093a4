/**
 * The folder in which a local server keeps its rows, its API key and the port and access key of its DynamoDB endpoint. Only its owner can
 * read it, and only one server can use it at a time. The lock belongs to the operating system, so a killed server leaves no lock behind.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartFailure } from './start-failure.ts';

/** Settings that stay the same across restarts. */
export interface DataFolderSettings {
  /** The admin key that the server generated at its first start. */
  apiKey?: string;
  dynamodb?: { port: number; accessKeyId: string };
  /** The id of the API key whose access key the server issued at its first start. */
  accessKeyOf?: string;
}

export interface DataFolder {
  path: string;
  sqliteFile: string;
  dynamodbFile: string;
  /** The store that the folder holds. Undefined if it holds none yet. */
  madeWith: 'sqlite' | 'dynamodb' | undefined;
  settings: DataFolderSettings;
  save(changes: DataFolderSettings): Promise<void>;
  close(): void;
}

const settingsFile = 'local.json';
const lockFile = 'lock';
const accessKeyFile = 'access-key-secret';
const secretBytes = 32;
const secretForm = /^[A-Za-z0-9+/]{43}=$/;
const sqliteFile = 'queue.sqlite';
const dynamodbFile = 'dynamodb.sqlite';
const ourFiles = /^((queue|dynamodb)\.sqlite(-wal|-shm|-journal)?|local\.json|access-key-secret|lock)$/;
const busy = 5;
const ownerOnly = { folder: 0o700, file: 0o600 };

/** Creates the folder if it does not exist. Throws `StartFailure` if it is not writable, or if another server uses it. */
export async function openDataFolder(path: string): Promise<DataFolder> {
  let settings: DataFolderSettings;
  let lock: DatabaseSync;
  let ours: string[];
  try {
    await mkdir(path, { recursive: true, mode: ownerOnly.folder });
    ours = (await readdir(path)).filter((name) => ourFiles.test(name));
    lock = lockFolder(path);
    // Earlier versions created the folder with a wider mode. A folder without our files is the user's and keeps its mode.
    if (ours.length > 0) await chmod(path, ownerOnly.folder);
    for (const name of [lockFile, ...ours]) await chmod(join(path, name), ownerOnly.file);
    settings = await readDataFolderSettings(path);
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause;
    const reason = (cause as Error).message;
    throw new StartFailure(`The data folder ${path} cannot be written: ${reason}. Choose another with --data, or --memory.`, {
      cause,
    });
  }
  return {
    path,
    sqliteFile: join(path, sqliteFile),
    dynamodbFile: join(path, dynamodbFile),
    madeWith: ours.includes(sqliteFile) ? 'sqlite' : ours.includes(dynamodbFile) ? 'dynamodb' : undefined,
    settings,
    async save(changes) {
      Object.assign(settings, changes);
      await writeAtomically(join(path, settingsFile), `${JSON.stringify(settings, undefined, 2)}\n`);
    },
    close: () => lock.close(),
  };
}

/** Reads the settings of a folder, whether or not a server uses it. Returns no settings if the folder does not exist. */
export async function readDataFolderSettings(path: string): Promise<DataFolderSettings> {
  const file = join(path, settingsFile);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  try {
    return JSON.parse(text) as DataFolderSettings;
  } catch (cause) {
    throw new StartFailure(`${file} is damaged: remove it, and set DUMBWAITER_API_KEY to an admin key of your choice.`, {
      cause,
    });
  }
}

/**
 * Reads the master secret of access keys, 32 random bytes in base64. Creates it if it does not exist: then no access key was issued.
 * Throws StartFailure.
 */
export async function readAccessKeySecret(path: string): Promise<string> {
  const file = join(path, accessKeyFile);
  const secret = randomBytes(secretBytes).toString('base64');
  const text = await readFile(file, 'utf8')
    .catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await writeAtomically(file, secret);
      return secret;
    })
    .catch((cause: Error) => {
      throw new StartFailure(`${file} cannot be read or written: ${cause.message}. Make room, or correct the folder.`, { cause });
    });
  if (secretForm.test(text)) return text;
  throw new StartFailure(`${file} is damaged: restore it, or remove it, which makes all access keys invalid.`);
}

/** Without `flush`, a loss of power may leave an empty file under the new name. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, text, { mode: ownerOnly.file, flush: true });
  await rename(temporary, file);
}

function lockFolder(path: string): DatabaseSync {
  const lock = new DatabaseSync(join(path, lockFile), { timeout: 0 });
  try {
    lock.exec('PRAGMA journal_mode=OFF; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    if ((cause as { errcode?: number }).errcode !== busy) throw cause;
    throw new StartFailure(`Another server uses the data folder ${path}: stop it, or choose another folder with --data.`, {
      cause,
    });
  }
}
