/** The DynamoDB engine that the local server works on: the embedded one, or any other by its endpoint. */
import { join } from 'node:path';
import { createDynamoClient } from '../engine/dynamo-client.ts';
import {
  type EmbeddedDynamodb,
  EmbeddedDynamodbError,
  FolderNotWritableError,
  startEmbeddedDynamodb,
} from './embedded-dynamodb.ts';
import { StartFailure } from './start-failure.ts';

export type LocalData = { folder: string } | { endpoint: string } | 'memory';

export interface LocalDynamodb {
  client: ReturnType<typeof createDynamoClient>;
  endpoint: string;
  /** Where the data is, for people. */
  place: string;
  /** Ends with what happened, if the engine stops by itself. */
  died: Promise<string>;
  stop(): Promise<void>;
}

/** Throws StartFailure. */
export async function openLocalDynamodb(data: LocalData): Promise<LocalDynamodb> {
  if (typeof data === 'object' && 'endpoint' in data) {
    const client = createDynamoClient({ endpoint: data.endpoint, ...account() });
    return {
      client,
      endpoint: data.endpoint,
      place: data.endpoint,
      died: new Promise(() => undefined),
      stop: async () => client.destroy(),
    };
  }
  const file = data === 'memory' ? undefined : join(data.folder, 'dynamodb.sqlite');
  const engine = await embedded(file);
  const client = createDynamoClient({ endpoint: engine.endpoint, ...account() });
  return {
    client,
    endpoint: engine.endpoint,
    place: file ?? 'in memory, gone with this process',
    died: engine.ended.then((said) => `The embedded DynamoDB engine ended: ${said.replaceAll('\n', '; ') || 'it said nothing'}`),
    async stop() {
      client.destroy();
      await engine.stop();
    },
  };
}

async function embedded(databaseFile: string | undefined): Promise<EmbeddedDynamodb> {
  try {
    return await startEmbeddedDynamodb(databaseFile === undefined ? {} : { databaseFile });
  } catch (error) {
    if (!(error instanceof EmbeddedDynamodbError)) throw error;
    const hint = error instanceof FolderNotWritableError ? ' Choose another with --data, or --memory.' : '';
    throw new StartFailure(`${error.message}${hint}`, { cause: error });
  }
}

/** What signs the requests: an engine on one's own machine takes anything, but asks for something. */
function account() {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE } = process.env;
  const region = AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1';
  if (AWS_ACCESS_KEY_ID !== undefined || AWS_PROFILE !== undefined) return { region };
  return { region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
}
