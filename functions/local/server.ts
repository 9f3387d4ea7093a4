/** The whole queue in one process: the app that Lambda runs, on a local port, with a store of its own or a DynamoDB endpoint. */

import type { Environment } from '../../contract/contract.ts';
import { defined } from '../../contract/defined.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { anyHost } from '../../contract/host-rule.ts';
import type { StoreParts } from '../assembly.ts';
import { fixedAdminKey } from '../auth/admin-key.ts';
import { applySeed } from '../service/apply-seed.ts';
import type { Log } from '../service/log.ts';
import { keyIdsOf, type Seed } from '../service/seed.ts';
import { type FirstAccessKey, type FirstKey, firstAccessKeyOf, firstKeyOf, localAccessKeys } from './first-keys.ts';
import { startForwards, stopForwards } from './forward.ts';
import type { Forward } from './forward-option.ts';
import { type TimeLimits, timeLimitsDefault } from './http-server.ts';
import { checkFunction, invokeFunction } from './invoke-function.ts';
import type { DynamodbAccess, LocalData } from './local-store.ts';
import { isLoopback } from './loopback.ts';
import { openLocalStore } from './open-store.ts';
import { type PreparedQueue, type ServeOptions, type ServingQueue, serveQueue } from './serve-queue.ts';
import { StartFailure } from './start-failure.ts';

export interface LocalOptions {
  data: LocalData['place'];
  /** Whether to use the embedded DynamoDB engine. Default: SQLite, unless the data folder was made with that engine. */
  dynamodb?: boolean;
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
  /** Queues whose messages are pushed to URLs while the server runs. Default: none. */
  forwards?: readonly Forward[];
  /** What the server has at its start, and after each reset. */
  seed?: Seed;
  /** Whether calls of SQS need no valid signature. Throws StartFailure unless the server listens on a loopback address. */
  sqsAnonymous?: boolean;
  /** Who holds targets: see `ServeOptions`. */
  holder?: string;
  /** As in `ServeOptions`. */
  sqsCreatesQueues?: boolean;
  localstackHealth?: boolean;
  environment?: Environment | undefined;
}

export interface LocalServer {
  url: string;
  firstKey: FirstKey;
  /** For AWS clients. Undefined on another DynamoDB endpoint, and if the access key is revoked. */
  firstAccessKey?: FirstAccessKey;
  /** For programs that use DynamoDB beside the queue, such as those on the direct transport. Undefined on SQLite. */
  dynamodb?: DynamodbAccess;
  /** Where the data is, as text for the user. */
  place: string;
  /** Resolves with the reason if the store can no longer be used. */
  died: Promise<string>;
  /** Accepts no more calls, finishes those in progress, and stops everything that the server started. */
  close(): Promise<void>;
}

const hostDefault = '127.0.0.1';
const soleHolder = 'local-server';

/** Throws StartFailure, after it has stopped everything that it started. */
export async function startLocal(options: LocalOptions): Promise<LocalServer> {
  const { data: place, dynamodb: wantsDynamodb = false } = options;
  if (options.sqsAnonymous && !isLoopback(options.host ?? hostDefault)) {
    throw new StartFailure('--sqs-anonymous accepts every caller, so it needs a loopback address: leave out --host.', {
      exitCode: 2,
    });
  }
  const { store, folder } = await openLocalStore({ place, dynamodb: wantsDynamodb });
  try {
    const { forwards = [] } = options;
    // A store that is not on DynamoDB is opened by one process only.
    const accessKeys = localAccessKeys(place, folder, store.parts.clock);
    const holder = store.dynamodb ? undefined : soleHolder;
    const prepare = async (queue: PreparedQueue) => {
      if (options.seed) await seeded(options.seed, queue);
      await startForwards(queue, forwards);
    };
    const serving = await serveLocally(
      {
        ...options,
        ...defined({ holder, accessKeys, clear: store.clear }),
        prepare,
      },
      store.parts,
    );
    const { url, keys, stop } = serving;
    const close = async () => {
      await stopForwards(serving, forwards);
      await stop();
      await store.stop();
    };
    const issueKeys = async () => ({
      firstKey: await firstKeyOf(keys, options.adminKey, folder, options.seed ? keyIdsOf(options.seed) : []),
      firstAccessKey: accessKeys && (await firstAccessKeyOf(keys, folder)),
    });
    const { firstKey, firstAccessKey } = await issueKeys().catch(async (error) => {
      await stop();
      throw error;
    });
    const { dynamodb, died } = store;
    return { url, firstKey, place: store.place, died, close, ...defined({ dynamodb, firstAccessKey }) };
  } catch (error) {
    await store.stop();
    throw error;
  }
}

/** Serves the queue on a store that the caller opened, and runs its background jobs. */
export function serveLocally(
  options: Omit<LocalOptions, 'data' | 'dynamodb'> & Pick<ServeOptions, 'accessKeys' | 'clear' | 'prepare'>,
  parts: StoreParts,
): Promise<ServingQueue> {
  const { log, host = hostDefault, port = 0, timeLimits = timeLimitsDefault } = options;
  return serveQueue({
    parts,
    log,
    host,
    port,
    timeLimits,
    adminKey: fixedAdminKey(options.adminKey),
    hosts: anyHost,
    invoke: invokeFunction,
    checkFunction,
    region: process.env.AWS_REGION || 'local',
    sqsAnonymous: options.sqsAnonymous ?? false,
    sqsCreatesQueues: options.sqsCreatesQueues ?? false,
    localstackHealth: options.localstackHealth ?? false,
    environment: options.environment,
    ...defined({ holder: options.holder, accessKeys: options.accessKeys, clear: options.clear, prepare: options.prepare }),
    allowedOrigins: options.allowedOrigins ?? [],
    ...(isLoopback(host) ? { isOwnHost: ownHosts(options.allowedHosts ?? []) } : {}),
  });
}

/** Throws StartFailure. */
async function seeded(seed: Seed, queue: PreparedQueue): Promise<void> {
  try {
    await applySeed(seed, queue);
  } catch (cause) {
    if (!(cause instanceof DumbwaiterError)) throw cause;
    throw new StartFailure(`What --seed declares cannot be created: ${cause.message}`, { cause });
  }
}

function ownHosts(allowed: string[]): (hostname: string) => boolean {
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (hostname) => isLoopback(hostname) || names.has(hostname);
}
