/**
 * Measures every store in process and over HTTP, one side after another in each round, because the load from other work varies over time.
 * Compares the queue on DynamoDB, in process, with the same calls made bare by the same client, before and after each measurement.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../engine/create.ts';
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { dynamoParts } from '../engine/dynamo/parts.ts';
import { type BareCalls, type BareSteps, bareCalls } from './bare-calls.ts';
import { type Recording, recordCalls } from './recorded-calls.ts';
import { openStore, type StoreName, storeNames } from './stores.ts';
import { tableNames } from './test-bed.ts';
import { type Load, type ReadCpu, type Throughput, type Transport, throughput } from './throughput.ts';
import { cpuMsOf, enginePidOf, mediansOf, ownCpuMs } from './timing.ts';
import { inProcess, overHttp } from './transports.ts';

const concurrency = 8;
const batches = [1, 10];
const messagesOf: Record<number, number> = { 1: 600, 10: 3_000 };
/** Stores within the queue's process are several times faster: measure them for as long. */
const moreOfFast = 3;
const steps = ['publish', 'receiveAndAck'] as const;
type Step = (typeof steps)[number];

export interface SpeedRow extends Throughput {
  store: StoreName;
  by: 'in process' | 'HTTP';
  step: Step;
  /** Messages per call. */
  batch: number;
}

/** The bare calls of one client, for one step, and the queue in process compared with them. */
export interface BareRow extends BareCalls, Pick<SpeedRow, 'store' | 'step' | 'batch'> {
  /** The queue's messages per second, as a share of those of the bare calls. */
  share: number;
  /** CPU time of the bare calls, as a share of the queue's CPU time. Less affected by other work. */
  shareByCpu: number;
}

export interface SidesReport {
  bare: BareRow[];
  rows: SpeedRow[];
}

interface Side extends Pick<SpeedRow, 'store' | 'by'> {
  transport: Transport;
  readCpu: ReadCpu;
  /** Only of a store on DynamoDB. */
  client: DynamoClient | undefined;
}

/** The calls that the queue makes in process, by `recordingKey`. */
type Recordings = Map<string, Recording>;

export interface SidesOptions {
  rounds: number;
  /** The messages of each measurement, as a share of the usual number. */
  share: number;
}

/** `endpoint`: of an embedded DynamoDB engine that has the bench's tables. */
export async function measureSides(endpoint: string, { rounds, share }: SidesOptions): Promise<SidesReport> {
  const { sides, close } = await openSides(endpoint);
  const recordings: Recordings = new Map();
  try {
    const rows: SpeedRow[] = [];
    const bare: BareRow[] = [];
    // The first round warms up the code and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const [batch, side] of batches.flatMap((size) => sides.map((one) => [size, one] as const))) {
        const recording = side.by === 'in process' ? recordings.get(recordingKey(side.store, batch)) : undefined;
        const measured = await measureSide(side, loadOf(side, batch, share), recording);
        if (round === 0) continue;
        rows.push(...measured.rows);
        bare.push(...measured.bare);
      }
      if (round === 0) await recordAll(sides, share, recordings);
    }
    const key = ({ store, step, batch }: Pick<SpeedRow, 'store' | 'step' | 'batch'>) => `${store} ${step} ${batch}`;
    return {
      bare: [...Map.groupBy(bare, key).values()].map(mediansOf),
      rows: [...Map.groupBy(rows, (row) => `${key(row)} ${row.by}`).values()].map(mediansOf),
    };
  } finally {
    await close();
  }
}

function loadOf({ client }: Side, batch: number, share: number): Load {
  const calls = Math.ceil((messagesOf[batch]! * (client ? 1 : moreOfFast) * share) / batch);
  return { messages: calls * batch, batch, concurrency };
}

function recordingKey(store: StoreName, batch: number): string {
  return `${store} ${batch}`;
}

async function recordAll(sides: readonly Side[], share: number, recordings: Recordings): Promise<void> {
  for (const side of sides) {
    if (side.by !== 'in process' || side.client === undefined) continue;
    const transportBy = (client: DynamoClient) =>
      inProcess(createEngine(dynamoParts({ client, tables: tableNames, forJson: true })));
    for (const batch of batches) {
      const recording = await recordCalls(side.client, transportBy, loadOf(side, batch, share));
      recordings.set(recordingKey(side.store, batch), recording);
    }
  }
}

async function openSides(endpoint: string): Promise<{ sides: Side[]; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-speed-'));
  const places = { endpoint, folder };
  const stores = storeNames.map((store) => ({ store, ...openStore(store, places) }));
  const servers = await Promise.all(storeNames.map((store) => overHttp(store, places)));
  const enginePid = enginePidOf(endpoint);
  const ofStore = (client: DynamoClient | undefined) => client && { store: cpuMsOf(enginePid) };
  const inProcessSides = stores.map(
    ({ store, parts, client }): Side => ({
      store,
      by: 'in process',
      transport: inProcess(createEngine(parts)),
      readCpu: async () => ({ queue: ownCpuMs(), ...ofStore(client) }),
      client,
    }),
  );
  const httpSides = stores.map(
    ({ store, client }, index): Side => ({
      store,
      by: 'HTTP',
      transport: servers[index]!,
      readCpu: async () => ({ client: ownCpuMs(), queue: await servers[index]!.cpuMs(), ...ofStore(client) }),
      client,
    }),
  );
  return {
    sides: [...inProcessSides, ...httpSides],
    async close() {
      await Promise.all([...servers, ...stores].map((one) => one.close()));
      await rm(folder, { recursive: true });
    },
  };
}

/** `recording`: undefined if there is nothing to compare with. */
async function measureSide(
  { store, by, transport, readCpu, client }: Side,
  load: Load,
  recording: Recording | undefined,
): Promise<{ rows: SpeedRow[]; bare: BareRow[] }> {
  const { batch } = load;
  const baseline = async () => client && recording && (await bareCalls(client, recording, concurrency));
  const before = await baseline();
  const measured = await throughput(transport, load, readCpu);
  const after = await baseline();
  const bare: BareSteps | undefined = before && after && mediansOf([before, after]);
  return {
    rows: steps.map((step) => ({ store, by, step, batch, ...measured[step] })),
    bare: bare ? steps.map((step) => ({ store, step, batch, ...bare[step], ...sharesOf(measured[step], bare[step]) })) : [],
  };
}

function sharesOf(queue: Throughput, bare: BareCalls): Pick<BareRow, 'share' | 'shareByCpu'> {
  return {
    share: queue.messagesPerSecond / bare.messagesPerSecond,
    shareByCpu: bare.cpuMsPerMessage / queue.cpuMsPerMessage.queue!,
  };
}
