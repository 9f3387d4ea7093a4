/**
 * Opens the store of the local server: a SQLite file in the data folder, unless the user wants DynamoDB. A folder keeps the kind of store that
 * made it, so nothing in it is ever out of sight.
 */
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createRandom } from '../../engine/port/random.ts';
import { DataFileError } from '../../engine/sqlite/failures.ts';
import { openSqliteStore, sqliteMoreRowBytes } from '../../engine/sqlite/store.ts';
import { keyKind } from '../auth/key-rows.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { inMemory, type LocalData, type LocalStore } from './local-store.ts';
import { StartFailure } from './start-failure.ts';

const madeWithDynamodb =
  'made with the embedded DynamoDB engine, which opens it again. SQLite is faster: to use it, choose a new folder with --data';

/** Throws StartFailure if the store cannot be opened. `folder` is absent if the rows are not in a folder. */
export async function openLocalStore({
  place,
  dynamodb = false,
}: LocalData): Promise<{ store: LocalStore; folder?: DataFolder }> {
  if (place === 'memory') return { store: dynamodb ? await (await onDynamodb()).openEmbeddedDynamodb() : openSqlite() };
  if ('endpoint' in place) return { store: await (await onDynamodb()).openOtherDynamodb(place.endpoint) };
  const folder = await openDataFolder(place.folder);
  try {
    return { store: closing(await openInFolder(folder, dynamodb), folder), folder };
  } catch (error) {
    folder.close();
    throw error;
  }
}

async function openInFolder(folder: DataFolder, wantsDynamodb: boolean): Promise<LocalStore> {
  if (wantsDynamodb && folder.madeWith === 'sqlite') {
    throw new StartFailure(
      `The data folder ${folder.path} was made without --dynamodb, and its messages are in SQLite: choose another folder with --data.`,
    );
  }
  if (!wantsDynamodb && folder.madeWith !== 'dynamodb') return openSqlite(folder.sqliteFile);
  const store = await (await onDynamodb()).openEmbeddedDynamodb(folder);
  return wantsDynamodb ? store : { ...store, place: `${store.place} (${madeWithDynamodb})` };
}

/** The AWS SDK takes longer to load than everything else. */
const onDynamodb = () => import('./dynamodb.ts');

function openSqlite(file?: string): LocalStore {
  // Nothing corrects this clock: one process on one machine decides every time.
  const clock = createCorrectedClock();
  try {
    const store = openSqliteStore({ now: clock.now, ...(file === undefined ? {} : { file }) });
    return {
      parts: {
        store,
        clock,
        random: createRandom(),
        moreRowBytes: sqliteMoreRowBytes,
        kind: file === undefined ? 'memory' : 'sqlite',
      },
      clear: () => store.clear(keyKind),
      place: file ?? inMemory,
      died: store.failed,
      stop: store.close,
    };
  } catch (error) {
    if (!(error instanceof DataFileError)) throw error;
    throw new StartFailure(error.message, { cause: error });
  }
}

function closing(store: LocalStore, folder: DataFolder): LocalStore {
  return {
    ...store,
    async stop() {
      await store.stop();
      folder.close();
    },
  };
}
