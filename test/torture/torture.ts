/**
 * Real processes under real faults: servers over one DynamoDB engine on a file, and clients that load them. Any of them may be killed at
 * any moment. Runs in rounds, each with its own queues: load and faults, then quiet, then a drain, then a check of the round's history.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { clockMarginMs } from '../../contract/limits.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { httpTransport } from '../../sdk/transports/http.ts';
import { check } from '../simulation/checker/check.ts';
import type { Call, Violation } from '../simulation/run/history.ts';
import { openCallLog, readCallLogs } from './call-log.ts';
import { type Fault, faults, strike } from './chaos.ts';
import { startClients } from './clients.ts';
import { apiKey, type Cluster, startCluster } from './cluster.ts';
import { drain } from './drain.ts';
import { hiddenMsMax, queueNames, settingsOf } from './workload.ts';

export interface TortureOptions {
  /** The folder for the database and the logs of calls. */
  folder: string;
  seed: number;
  /** For how long new rounds begin, in ms; there is at least one. */
  durationMs: number;
  /** How long load and faults of one round last, in ms. */
  roundMs: number;
  servers?: number;
  clients?: number;
  tell?: (line: string) => void;
}

export interface TortureReport {
  rounds: number;
  calls: number;
  /** Calls without an answer. */
  lost: number;
  /** Messages that a publish accepted. */
  messages: number;
  deliveries: number;
  faults: Record<Fault, number>;
  violations: Violation[];
  /** What the servers wrote that no fault explains. */
  defects: string[];
}

export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { folder, seed, durationMs, servers = 2 } = options;
  const report: TortureReport = {
    rounds: 0,
    calls: 0,
    lost: 0,
    messages: 0,
    deliveries: 0,
    faults: Object.fromEntries(faults.map((fault) => [fault, 0])) as Record<Fault, number>,
    violations: [],
    defects: [],
  };
  const cluster = await startCluster(folder, servers);
  try {
    const until = Date.now() + durationMs;
    do {
      report.rounds++;
      await playRound(options, cluster, report);
      options.tell?.(describe(seed, report));
    } while (Date.now() < until && report.violations.length === 0);
  } finally {
    await cluster.stop();
  }
  report.defects.push(...new Set(cluster.errors().match(/(?:anomaly|TypeError|RangeError|ReferenceError|assert).*/gi) ?? []));
  return report;
}

async function playRound(options: TortureOptions, cluster: Cluster, report: TortureReport): Promise<void> {
  const { seed, roundMs, clients: count = 3 } = options;
  const folder = join(options.folder, `round-${report.rounds}`);
  await mkdir(folder);
  const random = seededRandom(seed + report.rounds);
  const queues = queueNames(report.rounds);
  const [transport] = cluster.urls.map((url) => httpTransport({ url, apiKey }));
  const ownFile = join(folder, 'main.jsonl');
  const log = openCallLog(ownFile, 'main');
  for (const [queue, settings] of settingsOf(queues)) {
    if (!(await log.call(transport!, 'createQueue', { queue }, settings))) throw new Error(`the queue ${queue} was not created`);
  }

  const clients = startClients(count, folder, random, { urls: cluster.urls, apiKey, queues });
  const ending = new AbortController();
  const chaos = strike({
    random,
    cluster,
    killClient: clients.killOne,
    count: (fault) => report.faults[fault]++,
    signal: ending.signal,
  });
  await Promise.race([chaos, delay(roundMs)]);
  ending.abort();
  await chaos;
  await clients.stop();

  const names = [queues.work, queues.plain, queues.purged, queues.dead];
  const drainedAt = await drain(log, transport!, names, Date.now() + hiddenMsMax + 2 * clockMarginMs);
  log.close();
  const calls = await readCallLogs([ownFile, ...clients.logFiles]);
  countCalls(calls, report);
  // Clocks move within the margin, and times are written in whole milliseconds.
  report.violations.push(...check({ calls, circumstances: { clockErrorMs: clockMarginMs + 2, drainedAt } }));
}

function countCalls(calls: readonly Call[], report: TortureReport): void {
  report.calls += calls.length;
  for (const { operation, answer } of calls) {
    if ('lost' in answer) report.lost++;
    if (!('output' in answer)) continue;
    if (operation === 'publish') report.messages += answer.output.results.filter(({ ok }) => ok).length;
    if (operation === 'receive') report.deliveries += answer.output.messages.length;
  }
}

export function describe(
  seed: number,
  { rounds, calls, lost, messages, deliveries, faults: struck, violations }: TortureReport,
): string {
  const kills = Object.entries(struck).map(([fault, times]) => `${fault} ${times}`);
  return (
    `seed ${seed}, round ${rounds}: ${calls} calls (${lost} lost), ${messages} messages, ${deliveries} deliveries; ` +
    `${kills.join(', ')}; ${violations.length} violations`
  );
}

/** What makes a run fail or worthless: broken promises, defects, faults that never occurred. */
export function failuresOf({ violations, defects, faults: struck, lost, messages }: TortureReport): string[] {
  const idle = faults.filter((fault) => struck[fault] === 0);
  return [
    ...violations.map(
      ({ promise, text, calls }) => `${promise}: ${text}\n${calls.map((call) => `  ${JSON.stringify(call)}`).join('\n')}`,
    ),
    ...defects.map((defect) => `a server said: ${defect}`),
    ...idle.map((fault) => `never happened: ${fault}`),
    ...(lost === 0 ? ['no call was lost'] : []),
    ...(messages === 0 ? ['nothing was published'] : []),
  ];
}
