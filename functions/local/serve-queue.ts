/** The queue on a store, served on a port, with its sweep and its redrives in this process. */

import { type AssemblyOptions, assembleQueue } from '../assembly.ts';
import type { AdminKey } from '../auth/admin-key.ts';
import type { Keys } from '../auth/api-keys.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { type AppParts, createApp } from '../http/app.ts';
import { createService } from '../service/service.ts';
import { createBackgroundJobs } from './background-jobs.ts';
import { serveHttp, type TimeLimits } from './http-server.ts';

export interface ServeOptions extends Omit<AssemblyOptions, 'startRedrive'>, Pick<AppParts, 'allowedOrigins' | 'isOwnHost'> {
  host: string;
  /** 0 for any free port. */
  port: number;
  timeLimits: TimeLimits;
  adminKey: AdminKey;
}

export interface ServingQueue {
  url: string;
  keys: Keys;
  /** Accepts no more calls, ends those that wait, and resolves when the calls, the sweep and the redrives have ended. */
  stop(): Promise<void>;
}

/** Throws StartFailure if the port cannot be opened. */
export async function serveQueue(options: ServeOptions): Promise<ServingQueue> {
  const { parts, log, host, port, timeLimits, adminKey, hosts, invoke, allowedOrigins, isOwnHost } = options;
  const { engine, keys, secrets, targets, clock } = assembleQueue({
    parts,
    log,
    hosts,
    invoke,
    startRedrive: async (queue, task) => jobs.startRedrive(queue, task),
  });
  const jobs = createBackgroundJobs({ engine, clock, log });
  const app = createApp({
    service: createService({ engine, keys, secrets, targets, waitIsCheap: true }),
    authenticate: createAuthenticate({ keys, adminKey }),
    log,
    newRequestId: () => crypto.randomUUID(),
    ...(allowedOrigins && { allowedOrigins }),
    ...(isOwnHost && { isOwnHost }),
  });
  const http = await serveHttp(app, { host, port, timeLimits });
  jobs.startSweep();
  const stop = async () => {
    await Promise.all([http.close(), jobs.stop()]);
  };
  return { url: http.url, keys, stop };
}
