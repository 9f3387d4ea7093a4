/**
 * How a process reaches one AWS service: where it is, with which credentials, and over which connections.
 * This folder makes signed calls to AWS without the AWS SDK. `environment.ts` reads Lambda's environment;
 * `engine/dynamo/sdk-client.ts` takes the same facts from a client of the SDK.
 */
import type { Agent } from 'node:http';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary credentials. */
  sessionToken?: string | undefined;
}

export interface Endpoint {
  url: URL;
  /** The region for which requests are signed. */
  region: string;
  /** Keeps connections open between requests. */
  agent: Agent;
}

export interface ServiceAccess {
  endpoint(): Promise<Endpoint>;
  /** Called for each attempt, so that refreshed credentials are used at once. */
  credentials(): Promise<Credentials>;
  /** Closes the connections. */
  close(): void;
}

/** Connections of one process to one service, at most. */
export const socketsMax = 256;
