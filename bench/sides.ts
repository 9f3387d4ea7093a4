/**
 * Measures every store in process and over HTTP, one side after another in each round, because the load from other work varies over time.
 * Compares the sides on DynamoDB with raw calls by the same client, before and after each measurement.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../engine/create.ts';
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { type RawCalls, rawCalls } from './raw-calls.ts';
import { openStore, type StoreName, storeNames } from './stores.ts';
import { type ReadCpu, type Throughput, type Transport, throughput } from './throughput.ts';
import { cpuMsOf, enginePidOf, mediansOf, ownCpuMs } from './timing.ts';
import { inProcess, overHttp } from './transports.ts';

const concurrency = 8;
const batches = [1, 10];
const messagesOf: Record<number, number> = { 1: 600, 10: 3_000 };
/** Stores within the queue's process are several times faster: measure them for as long. */
const moreOfFast = 3;
const rawMessages = 120;
/** DynamoDB calls of one message's publish, and of its receive and ack. */
const callsOf = { publish: 1, receiveAndAck: 5 };

export interface SpeedRow extends Throughput {
  store: StoreName;
  by: 'in process' | 'HTTP';
  step: keyof typeof callsOf;
  /** Messages per call. */
  batch: number;
  /** Of a store on DynamoDB: messages per second times DynamoDB calls per message, as a share of raw calls per second. */
  shareOfRaw?: number;
  /** CPU time of as many raw calls as a message needs, as a share of the queue's CPU time per message. Less affected by other work. */
  shareByCpu?: number;
}

export interface SidesReport {
  raw: (RawCalls & { store: StoreName })[];
  rows: SpeedRow[];
}

interface Side extends Pick<SpeedRow, 'store' | 'by'> {
  transport: Transport;
  readCpu: ReadCpu;
  /** Makes the raw calls, if the store is on DynamoDB. */
  client: DynamoClient | undefined;
}

export interface SidesOptions {
  rounds: number;
  /** The messages of each measurement, as a share of the usual number. */
  share: number;
}

/** `endpoint`: of an embedded DynamoDB engine that has the bench's tables. */
export async function measureSides(endpoint: string, { rounds, share }: SidesOptions): Promise<SidesReport> {
  const { sides, close } = await openSides(endpoint);
  try {
    const rows: SpeedRow[] = [];
    const raws: SidesReport['raw'] = [];
    // The first round warms up the code and does not count.
    for (let round = 0; round <= rounds; round++) {
      for (const [batch, side] of batches.flatMap((size) => sides.map((one) => [size, one] as const))) {
        const measured = await measureSide(side, batch, share);
        if (round === 0) continue;
        rows.push(...measured.rows);
        if (measured.raw) raws.push({ store: side.store, ...measured.raw });
      }
    }
    const key = ({ store, by, step, batch }: SpeedRow) => `${store} ${by} ${step} ${batch}`;
    return {
      raw: [...Map.groupBy(raws, ({ store }) => store).values()].map(mediansOf),
      rows: [...Map.groupBy(rows, key).values()].map(mediansOf),
    };
  } finally {
    await close();
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

async function measureSide(
  { store, by, transport, readCpu, client }: Side,
  batch: number,
  share: number,
): Promise<{ rows: SpeedRow[]; raw: RawCalls | undefined }> {
  const baseline = async () => client && (await rawCalls(client, Math.ceil(rawMessages * share), concurrency));
  const before = await baseline();
  const calls = Math.ceil((messagesOf[batch]! * (client ? 1 : moreOfFast) * share) / batch);
  const measured = await throughput(transport, { messages: calls * batch, batch, concurrency }, readCpu);
  const after = await baseline();
  const raw = before && after && mediansOf([before, after]);
  const rows = (['publish', 'receiveAndAck'] as const).map((step): SpeedRow => {
    const row: SpeedRow = { store, by, step, batch, ...measured[step] };
    if (raw === undefined) return row;
    const callsEach = callsOf[step] / batch;
    const shareOfRaw = (row.messagesPerSecond * callsEach) / raw.callsPerSecond;
    const shareByCpu = (raw.cpuMsPerCall * callsEach) / row.cpuMsPerMessage.queue!;
    return { ...row, shareOfRaw, shareByCpu };
  });
  return { rows, raw };
}
