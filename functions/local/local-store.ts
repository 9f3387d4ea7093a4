/** What the local server works on: a store, and what to tell the user about it. open-store.ts opens it. */
import type { StoreParts } from '../assembly.ts';

export interface LocalData {
  /** A data folder, another DynamoDB endpoint, or memory. */
  place: { folder: string } | { endpoint: string } | 'memory';
  /** Whether to use the embedded DynamoDB engine. Default: SQLite, unless the folder was made with that engine. */
  dynamodb?: boolean;
}

/** How other programs on this machine reach the DynamoDB engine. */
export interface DynamodbAccess {
  endpoint: string;
  region: string;
  /** The access key that the endpoint requires. Undefined if the engine is not the embedded one. */
  accessKeyId?: string;
}

export interface LocalStore {
  parts: StoreParts;
  /** Removes all rows but those of API keys. Undefined on DynamoDB. */
  clear?: () => Promise<void>;
  /** Where the data is, as text for the user. */
  place: string;
  /** Set if the store is on DynamoDB. */
  dynamodb?: DynamodbAccess;
  /** Resolves with the reason if the store can no longer be used. */
  died: Promise<string>;
  stop(): Promise<void>;
}

export const inMemory = 'in memory, lost when this process ends';
