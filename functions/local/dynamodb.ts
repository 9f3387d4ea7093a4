/** The local server's store on DynamoDB: the embedded engine behind a guard, or any other endpoint. Only this file loads the AWS SDK. */
import { randomBytes } from 'node:crypto';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { dynamoParts } from '../../engine/dynamo/parts.ts';
import { accessFromSdk, createSdkClient, type SdkClient } from '../../engine/dynamo/sdk-client.ts';
import { createTables } from '../../engine/dynamo/tables.ts';
import type { DataFolder } from './data-folder.ts';
import { startDynamodbGuard } from './dynamodb-guard.ts';
import {
  type EmbeddedDynamodb,
  EmbeddedDynamodbError,
  secretLoopbackAddress,
  startEmbeddedDynamodb,
} from './embedded-dynamodb.ts';
import { type DynamodbAccess, inMemory, type LocalStore } from './local-store.ts';
import { StartFailure } from './start-failure.ts';

const tables = { messages: 'dumbwaiter-messages', leases: 'dumbwaiter-leases', queues: 'dumbwaiter-queues' };

/** Opens the store on another DynamoDB endpoint. Throws StartFailure if it does not answer. */
export function openOtherDynamodb(endpoint: string): Promise<LocalStore> {
  const sdk = createSdkClient({ endpoint, ...account() });
  const stop = async () => sdk.destroy();
  return withTables({ sdk, access: { endpoint, region: region() }, place: endpoint, died: new Promise(() => {}), stop });
}

/** Starts the embedded engine, in memory unless there is a folder, and opens the store on it. Throws StartFailure. */
export async function openEmbeddedDynamodb(folder?: DataFolder): Promise<LocalStore> {
  const engine = await embedded(folder?.dynamodbFile);
  const accessKeyId = folder?.settings.dynamodb?.accessKeyId ?? randomBytes(15).toString('hex');
  const guard = await startDynamodbGuard(engine.endpoint, accessKeyId, folder?.settings.dynamodb?.port).catch(async (error) => {
    await engine.stop();
    throw error;
  });
  await folder?.save({ dynamodb: { port: guard.port, accessKeyId } });
  const sdk = createSdkClient({ endpoint: engine.endpoint, region: region(), credentials: anyCredentials });
  return withTables({
    sdk,
    access: { endpoint: guard.url, region: region(), accessKeyId },
    place: folder?.dynamodbFile ?? inMemory,
    died: engine.ended.then((said) => `The embedded DynamoDB engine ended: ${said.replaceAll('\n', '; ') || 'without output'}`),
    async stop() {
      sdk.destroy();
      await guard.close();
      await engine.stop();
    },
  });
}

interface OpenDynamodb extends Pick<LocalStore, 'place' | 'died' | 'stop'> {
  /** The client of the AWS SDK. */
  sdk: SdkClient;
  access: DynamodbAccess;
}

async function withTables({ sdk, access, place, died, stop }: OpenDynamodb): Promise<LocalStore> {
  try {
    await createTables(sdk, tables);
  } catch (cause) {
    await stop();
    const { name, message } = cause as Error;
    const reason = (message || name).replaceAll('\n', ' ');
    throw new StartFailure(`The tables cannot be created (${place}): ${reason}`, { cause });
  }
  const client = createDynamoClient(accessFromSdk(sdk));
  const stopAll = async () => {
    client.destroy();
    await stop();
  };
  return { parts: dynamoParts({ client, tables, forJson: true }), place, dynamodb: access, died, stop: stopAll };
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
