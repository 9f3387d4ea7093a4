/**
 * How fast the queue is, and where the time goes: messages a second beside the raw calls a second of the same AWS client on the same
 * DynamoDB engine, processor time, idle cost, bundles and cold starts. `node bench/speed.ts [--json]`; see docs/numbers.md.
 */
import { closeBare } from './bare-request.ts';
import { type HttpCarrier, inProcess, overHttp } from './carriers.ts';
import { coldStarts } from './cold-start.ts';
import { type Ground, layGround } from './ground.ts';
import { idleCost } from './idle.ts';
import { callCosts, rawCallsPerSecond } from './raw-calls.ts';
import { printSpeed, type SpeedReport, type SpeedRow } from './speed-report.ts';
import { type Carrier, type Load, type ReadCpu, type Throughput, throughput } from './throughput.ts';
import { cpuMsOf, enginePidOf, median, ownCpuMs } from './timing.ts';

const rounds = 3;
const flows = 8;
const batches = [1, 10];
const messagesOf: Record<number, number> = { 1: 160, 10: 1_000 };
const rawLives = 60;
const singleCalls = 300;
const coldStartTimes = 7;
/** Calls of one message's publish, and of its receive and ack. */
const callsOf = { publish: 1, receiveAndAck: 5 };

type Side = { name: SpeedRow['by']; carrier: Carrier; readCpu: ReadCpu };
type Measured = SpeedRow & { rawCallsPerSecond: number };

async function measureSide({ name, carrier, readCpu }: Side, batch: number, raw: number): Promise<Measured[]> {
  const load: Load = { messages: messagesOf[batch]!, batch, flows };
  const measured = await throughput(carrier, load, readCpu);
  return (['publish', 'receiveAndAck'] as const).map((step) => {
    const { messagesPerSecond, cpuMsPerMessage }: Throughput = measured[step];
    const shareOfRaw = (messagesPerSecond * callsOf[step]) / batch / raw;
    return { by: name, step, batch, messagesPerSecond, shareOfRaw, cpuMsPerMessage, rawCallsPerSecond: raw };
  });
}

/** Each round measures all, the raw calls before and after: what else the machine does comes and goes. */
async function measureRounds(ground: Ground, sides: readonly Side[]): Promise<{ raw: number; rows: SpeedRow[] }> {
  const { client } = ground.instance({ metered: false });
  const all = new Map<string, Measured[]>();
  // One round to warm up does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const batch of batches) {
      for (const side of sides) {
        const before = await rawCallsPerSecond(client, rawLives, flows);
        const rows = await measureSide(side, batch, before);
        const after = await rawCallsPerSecond(client, rawLives, flows);
        if (round === 0) continue;
        for (const row of rows) {
          const raw = (before + after) / 2;
          const key = `${row.by} ${row.batch} ${row.step}`;
          all.set(key, [
            ...(all.get(key) ?? []),
            { ...row, shareOfRaw: (row.shareOfRaw * before) / raw, rawCallsPerSecond: raw },
          ]);
        }
      }
    }
  }
  return {
    raw: median([...all.values()].flat().map((row) => row.rawCallsPerSecond)),
    rows: [...all.values()].map(medianRow),
  };
}

function medianRow(rows: readonly Measured[]): SpeedRow {
  const { by, step, batch, cpuMsPerMessage } = rows[0]!;
  const processes = Object.keys(cpuMsPerMessage);
  return {
    by,
    step,
    batch,
    messagesPerSecond: median(rows.map((row) => row.messagesPerSecond)),
    shareOfRaw: median(rows.map((row) => row.shareOfRaw)),
    cpuMsPerMessage: Object.fromEntries(
      processes.map((process) => [process, median(rows.map((row) => row.cpuMsPerMessage[process]!))]),
    ),
  };
}

const ground = await layGround();
let http: HttpCarrier | undefined;
try {
  const idle = await idleCost(ground);
  const enginePid = enginePidOf(ground.endpoint);
  http = await overHttp(ground.endpoint);
  const { serverPid } = http;
  const sides: Side[] = [
    {
      name: 'in process',
      carrier: inProcess(ground.instance({ metered: false }).engine),
      readCpu: async () => ({ queue: ownCpuMs(), dynamodb: cpuMsOf(enginePid) }),
    },
    {
      name: 'HTTP',
      carrier: http,
      readCpu: async () => ({ client: ownCpuMs(), queue: cpuMsOf(serverPid), dynamodb: cpuMsOf(enginePid) }),
    },
  ];
  const { raw, rows } = await measureRounds(ground, sides);
  const calls = await callCosts(ground.instance({ metered: false }).client, ground.endpoint, singleCalls);
  const report: SpeedReport = { rawCallsPerSecond: raw, rows, calls, idle, functions: await coldStarts(coldStartTimes) };
  if (process.argv.includes('--json')) console.log(JSON.stringify(report));
  else printSpeed(report);
} finally {
  closeBare();
  await http?.close();
  await ground.close();
}
