/**
 * Measures how fast the queue is and where the time goes. Compares messages per second with raw calls per second of the same client on
 * the same DynamoDB engine. Also measures CPU time, idle cost, bundles and cold starts. `node bench/speed.ts [--json]`; see docs/numbers.md.
 */
import { coldStarts } from './cold-start.ts';
import { idleCost } from './idle.ts';
import { callCosts, type RawCalls, rawCalls } from './raw-calls.ts';
import { printSpeed, type SpeedReport, type SpeedRow } from './speed-report.ts';
import { createTestBed, type TestBed } from './test-bed.ts';
import { type Load, type ReadCpu, type Transport, throughput } from './throughput.ts';
import { cpuMsOf, enginePidOf, median, ownCpuMs } from './timing.ts';
import { type HttpTransport, inProcess, overHttp } from './transports.ts';

const rounds = 3;
const concurrency = 8;
const batches = [1, 10];
const messagesOf: Record<number, number> = { 1: 600, 10: 3_000 };
const rawMessages = 60;
const singleCalls = 300;
const coldStartTimes = 7;
/** DynamoDB calls of one message's publish, and of its receive and ack. */
const callsOf = { publish: 1, receiveAndAck: 5 };

type MeasuredTransport = { name: SpeedRow['by']; transport: Transport; readCpu: ReadCpu };

async function measureTransport(
  { name, transport, readCpu }: MeasuredTransport,
  batch: number,
): Promise<Omit<SpeedRow, 'shareOfRaw' | 'shareByCpu'>[]> {
  const load: Load = { messages: messagesOf[batch]!, batch, concurrency };
  const measured = await throughput(transport, load, readCpu);
  return (['publish', 'receiveAndAck'] as const).map((step) => ({ by: name, step, batch, ...measured[step] }));
}

/** Each round measures everything, with raw calls before and after each measurement, because the load from other work varies over time. */
async function measureRounds(
  testBed: TestBed,
  transports: readonly MeasuredTransport[],
): Promise<Pick<SpeedReport, 'raw' | 'rows'>> {
  const { client } = testBed.instance({ metered: false });
  const rows = new Map<string, SpeedRow[]>();
  const raws: RawCalls[] = [];
  // The first round warms up the code and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const [batch, transport] of batches.flatMap((size) => transports.map((one) => [size, one] as const))) {
      const before = await rawCalls(client, rawMessages, concurrency);
      const measured = await measureTransport(transport, batch);
      const raw = medianOf([before, await rawCalls(client, rawMessages, concurrency)]);
      if (round === 0) continue;
      raws.push(raw);
      for (const row of measured) {
        const key = `${row.by} ${batch} ${row.step}`;
        const calls = callsOf[row.step] / batch;
        const shareOfRaw = (row.messagesPerSecond * calls) / raw.callsPerSecond;
        const shareByCpu = (raw.cpuMsPerCall * calls) / row.cpuMsPerMessage.queue!;
        rows.set(key, [...(rows.get(key) ?? []), { ...row, shareOfRaw, shareByCpu }]);
      }
    }
  }
  return { raw: medianOf(raws), rows: [...rows.values()].map(medianRow) };
}

function medianOf(raws: readonly RawCalls[]): RawCalls {
  return {
    callsPerSecond: median(raws.map((raw) => raw.callsPerSecond)),
    cpuMsPerCall: median(raws.map((raw) => raw.cpuMsPerCall)),
  };
}

function medianRow(rows: readonly SpeedRow[]): SpeedRow {
  const first = rows[0]!;
  const processes = Object.keys(first.cpuMsPerMessage);
  return {
    ...first,
    messagesPerSecond: median(rows.map((row) => row.messagesPerSecond)),
    shareOfRaw: median(rows.map((row) => row.shareOfRaw)),
    shareByCpu: median(rows.map((row) => row.shareByCpu)),
    cpuMsPerMessage: Object.fromEntries(
      processes.map((process) => [process, median(rows.map((row) => row.cpuMsPerMessage[process]!))]),
    ),
  };
}

const testBed = await createTestBed();
let http: HttpTransport | undefined;
try {
  const idle = await idleCost(testBed);
  const enginePid = enginePidOf(testBed.endpoint);
  http = await overHttp(testBed.endpoint);
  const { serverPid } = http;
  const transports: MeasuredTransport[] = [
    {
      name: 'in process',
      transport: inProcess(testBed.instance({ metered: false }).engine),
      readCpu: async () => ({ queue: ownCpuMs(), dynamodb: cpuMsOf(enginePid) }),
    },
    {
      name: 'HTTP',
      transport: http,
      readCpu: async () => ({ client: ownCpuMs(), queue: cpuMsOf(serverPid), dynamodb: cpuMsOf(enginePid) }),
    },
  ];
  const measured = await measureRounds(testBed, transports);
  const calls = await callCosts(testBed.instance({ metered: false }).client, testBed.sdk, singleCalls);
  const report: SpeedReport = { ...measured, calls, idle, functions: await coldStarts(coldStartTimes) };
  if (process.argv.includes('--json')) console.log(JSON.stringify(report));
  else printSpeed(report);
} finally {
  await http?.close();
  await testBed.close();
}
