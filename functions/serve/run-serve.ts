/** Runs the server for teams until a signal ends it. `serve.ts` has its options; this file loads the server. */
import { defined } from '../../contract/defined.ts';
import { publicHostsAnd } from '../../contract/host-rule.ts';
import { timeLimitsDefault } from '../local/http-server.ts';
import { createServerLog } from '../local/log.ts';
import { type ServingQueue, serveQueue } from '../local/serve-queue.ts';
import { StartFailure } from '../local/start-failure.ts';
import { stopOnSignal } from '../local/stop-on-signal.ts';
import type { Log } from '../service/log.ts';
import { type Deployment, openDeployment } from './deployment.ts';
import { type ServeOptions, tableOptions } from './serve-options.ts';

/** From a signal to the end of the process. Container runtimes kill a process ten seconds after the signal. */
const stopMsMax = 8_000;

/** Throws StartFailure. */
export async function runServe(options: ServeOptions): Promise<void> {
  const deployment = await openDeployment({
    tables: tablesOf(options),
    adminKey: process.env.DUMBWAITER_API_KEY || undefined,
    adminKeySecret: options.adminKeySecret || undefined,
    accessKeySecret: options.accessKeySecret || undefined,
  });
  const isTerminal = process.stdout.isTTY === true;
  const log = createServerLog({ service: 'dumbwaiter-serve', isTerminal, calls: true, write: (line) => console.log(line) });
  await serve(deployment, options, log);
}

function tablesOf(options: ServeOptions) {
  const missing = Object.values(tableOptions).filter(({ name }) => !options[name]);
  if (missing.length > 0) {
    const names = missing.map(({ flag, variable }) => `${variable} (or ${flag})`).join(', ');
    throw new StartFailure(`Not set: ${names}. The outputs of the deployed stack name the tables.`, { exitCode: 2 });
  }
  const { messagesTable: messages, leasesTable: leases, queuesTable: queues } = options;
  return { messages: messages!, leases: leases!, queues: queues! };
}

async function serve(
  { parts, adminKey, accessKeys, invoke, checkFunction, region, close }: Deployment,
  options: ServeOptions,
  log: Log,
): Promise<void> {
  let queue: ServingQueue;
  try {
    queue = await serveQueue({
      parts,
      log,
      host: options.host,
      port: options.port,
      timeLimits: timeLimitsDefault,
      adminKey,
      ...defined({ accessKeys }),
      // A caller with an API key must not reach the private network by the URL of a check-back or a target.
      hosts: publicHostsAnd(options.pushAllowedHosts.split(',')),
      invoke,
      checkFunction,
      region,
      allowedOrigins: options.allowOrigin,
      environment: options.environment,
    });
  } catch (error) {
    close();
    throw error;
  }
  const stop = () => {
    endInTime(log);
    return queue.stop();
  };
  const stopped = stopOnSignal({ died: new Promise(() => {}), close: stop });
  log.info('Listening', { url: queue.url, region });
  await stopped;
  log.info('Stopped', {});
  close();
}

/** What still runs after `stopMsMax` ends with the process, as in a crash, and loses nothing that was acknowledged. */
function endInTime(log: Log): void {
  const end = () => {
    log.warn('Stopped before everything had ended', { ms: stopMsMax });
    process.exit();
  };
  setTimeout(end, stopMsMax).unref();
}
