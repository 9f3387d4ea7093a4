/** Opens the DynamoDB engine of the local server: the embedded engine behind a guard, or any other endpoint. */
import { randomBytes } from 'node:crypto';
import { createSdkClient, type SdkClient } from '../../engine/dynamo/sdk-client.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { startDynamodbGuard } from './dynamodb-guard.ts';
import {
  type EmbeddedDynamodb,
  EmbeddedDynamodbError,
  secretLoopbackAddress,
  startEmbeddedDynamodb,
} from './embedded-dynamodb.ts';
import { StartFailure } from './start-failure.ts';

export type LocalData = { folder: string } | { endpoint: string } | 'memory';

/** How other programs on this machine reach the DynamoDB engine. */
export interface DynamodbAccess {
  endpoint: string;
  region: string;
  /** The access key that the endpoint requires. Undefined if the engine is not the embedded one. */
  accessKeyId?: string;
}

export interface LocalDynamodb {
  /** The client of the AWS SDK. */
  sdk: SdkClient;
  access: DynamodbAccess;
  /** Where the data is, as text for the user. */
  place: string;
  /** The data folder. Absent if the rows are in memory or behind another endpoint. */
  folder?: DataFolder;
  /** Resolves with the reason if the engine stops by itself. */
  died: Promise<string>;
  stop(): Promise<void>;
}

/** Throws StartFailure if the data folder cannot be used or the engine does not start. */
export async function openLocalDynamodb(data: LocalData): Promise<LocalDynamodb> {
  if (data === 'memory') return openEmbedded();
  if ('endpoint' in data) {
    const sdk = createSdkClient({ endpoint: data.endpoint, ...account() });
    return {
      sdk,
      access: { endpoint: data.endpoint, region: region() },
      place: data.endpoint,
      died: new Promise(() => undefined),
      stop: async () => sdk.destroy(),
    };
  }
  const folder = await openDataFolder(data.folder);
  try {
    return await openEmbedded(folder);
  } catch (error) {
    folder.close();
    throw error;
  }
}

async function openEmbedded(folder?: DataFolder): Promise<LocalDynamodb> {
  const engine = await embedded(folder?.databaseFile);
  const accessKeyId = folder?.settings.dynamodb?.accessKeyId ?? randomBytes(15).toString('hex');
  const guard = await startDynamodbGuard(engine.endpoint, accessKeyId, folder?.settings.dynamodb?.port).catch(async (error) => {
    await engine.stop();
    throw error;
  });
  await folder?.save({ dynamodb: { port: guard.port, accessKeyId } });
  const sdk = createSdkClient({ endpoint: engine.endpoint, region: region(), credentials: anyCredentials });
  return {
    sdk,
    access: { endpoint: guard.url, region: region(), accessKeyId },
    place: folder?.databaseFile ?? 'in memory, lost when this process ends',
    ...(folder === undefined ? {} : { folder }),
    died: engine.ended.then((said) => `The embedded DynamoDB engine ended: ${said.replaceAll('\n', '; ') || 'without output'}`),
    async stop() {
      sdk.destroy();
      await guard.close();
      await engine.stop();
      folder?.close();
    },
  };
}

async function embedded(databaseFile: string | undefined): Promise<EmbeddedDynamodb> {
  try {
    return await startEmbeddedDynamodb({
      host: secretLoopbackAddress(),
      ...(databaseFile === undefined ? {} : { databaseFile }),
    });
  } catch (error) {
    if (!(error instanceof EmbeddedDynamodbError)) throw error;
    throw new StartFailure(error.message, { cause: error });
  }
}

/** The embedded engine requires a signature but does not check it. */
const anyCredentials = { accessKeyId: 'local', secretAccessKey: 'local' };

function region(): string {
  return process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
}

/** Client options for an endpoint of the user's choice. The user's AWS credentials sign the requests, if there are any. */
function account() {
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE } = process.env;
  if (AWS_ACCESS_KEY_ID !== undefined || AWS_PROFILE !== undefined) return { region: region() };
  return { region: region(), credentials: anyCredentials };
}
