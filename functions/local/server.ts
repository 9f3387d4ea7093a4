/** The whole queue in one process: the app that Lambda runs, on a local port, with its own DynamoDB engine or another endpoint. */

import { createDynamoClient, type DynamoClient } from '../../engine/dynamo/client.ts';
import { accessFromSdk } from '../../engine/dynamo/sdk-client.ts';
import { createTables } from '../../engine/dynamo/tables.ts';
import { assembleQueue } from '../assembly.ts';
import { fixedAdminKey } from '../auth/admin-key.ts';
import type { Keys } from '../auth/api-keys.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { administrator, allScopes } from '../auth/authorize.ts';
import { createApp } from '../http/app.ts';
import type { Log } from '../service/log.ts';
import { createService } from '../service/service.ts';
import { createBackgroundJobs } from './background-jobs.ts';
import type { DataFolder } from './data-folder.ts';
import { type DynamodbAccess, type LocalData, type LocalDynamodb, openLocalDynamodb } from './dynamodb.ts';
import { type HttpServer, serveHttp, type TimeLimits, timeLimitsDefault } from './http-server.ts';
import { invokeFunction } from './invoke-function.ts';
import { isLoopback } from './loopback.ts';
import { StartFailure } from './start-failure.ts';

export interface LocalOptions {
  data: LocalData;
  log: Log;
  host?: string;
  /** Default: any free port. */
  port?: number;
  /** An admin key of the caller's choice. Default: the server generates a key at its first start. */
  adminKey?: string | undefined;
  timeLimits?: TimeLimits;
  /** Origins whose web pages may call; `*` allows all. Default: none. */
  allowedOrigins?: string[];
  /** More names to accept in `Host` headers, besides those of this machine. Used only if the server listens on a loopback address. */
  allowedHosts?: string[];
}

/**
 * Where the first API key of this server comes from. `given`: from the caller. `generated`: at this start. `folder`: an earlier start stored
 * it in the data folder. `elsewhere`: keys exist, but their text is not stored here.
 */
export type FirstKey = { from: 'given' | 'folder' | 'elsewhere' } | { from: 'generated'; text: string };

export interface LocalServer {
  url: string;
  nextParcelKey: FirstKey;
  /** For programs that use DynamoDB beside the queue, such as those on the direct transport. */
  dynamodb: DynamodbAccess;
  /** Where the data is, as text for the user. */
  place: string;
  /** Resolves with the reason if the DynamoDB engine stops by itself. */
  died: Promise<string>;
  /** Accepts no more calls, finishes those in progress, and stops everything that the server started. */
  close(): Promise<void>;
}

const tables = { messages: 'dumbwaiter-messages', leases: 'dumbwaiter-leases', queues: 'dumbwaiter-queues' };

/** Throws StartFailure, after it has stopped everything that it started. */
export async function startLocal(options: LocalOptions): Promise<LocalServer> {
  const dynamodb = await openLocalDynamodb(options.data);
  try {
    await tablesReady(dynamodb);
    const client = createDynamoClient(accessFromSdk(dynamodb.sdk));
    const { http, keys, stop } = await serveQueue(options, client);
    const { access, place, died } = dynamodb;
    const close = async () => {
      await stop();
      client.destroy();
      await dynamodb.stop();
    };
    const nextParcelKey = await firstKeyOf(keys, options.adminKey, dynamodb.folder);
    return { url: http.url, nextParcelKey, dynamodb: access, place, died, close };
  } catch (error) {
    await dynamodb.stop();
    throw error;
  }
}

async function tablesReady({ sdk, place }: LocalDynamodb): Promise<void> {
  try {
    await createTables(sdk, tables);
  } catch (cause) {
    const { name, message } = cause as Error;
    const reason = (message || name).replaceAll('\n', ' ');
    throw new StartFailure(`The tables cannot be created (${place}): ${reason}`, { cause });
  }
}

async function serveQueue(options: LocalOptions, client: DynamoClient) {
  const { log, host = '127.0.0.1', port = 0, timeLimits = timeLimitsDefault } = options;
  const { engine, keys, secrets, clock } = assembleQueue({
    client,
    tables,
    log,
    allowsPrivate: true,
    invoke: invokeFunction,
    startRedrive: async (queue, task) => jobs.startRedrive(queue, task),
  });
  const jobs = createBackgroundJobs({ engine, clock, log });
  const app = createApp({
    service: createService({ engine, keys, secrets, waitIsCheap: true }),
    authenticate: createAuthenticate({ keys, adminKey: fixedAdminKey(options.adminKey) }),
    log,
    newRequestId: () => crypto.randomUUID(),
    allowedOrigins: options.allowedOrigins ?? [],
    ...(isLoopback(host) ? { isOwnHost: ownHosts(options.allowedHosts ?? []) } : {}),
  });
  const http: HttpServer = await serveHttp(app, { host, port, timeLimits });
  jobs.startSweep();
  const stop = async () => {
    await Promise.all([http.close(), jobs.stop()]);
  };
  return { http, keys, stop };
}

function ownHosts(allowed: string[]): (hostname: string) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (hostname) => isLoopback(hostname) || names.has(hostname);
}

async function firstKeyOf(keys: Keys, adminKey: string | undefined, folder: DataFolder | undefined): Promise<FirstKey> {
  if (adminKey !== undefined) return { from: 'given' };
  if (folder?.settings.apiKey !== undefined) return { from: 'folder' };
  const { keys: earlier } = await keys.list({ limit: 1 });
  if (earlier.length > 0) return { from: 'elsewhere' };
  const { key } = await keys.create({ name: 'first key', queues: ['*'], scopes: [...allScopes] }, administrator('admin'));
  await folder?.save({ apiKey: key });
  return { from: 'generated', text: key };
}
