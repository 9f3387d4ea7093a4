/**
 * Measures what the sweep costs for queues that are asleep, that are awake and empty, and in which a message waits. Counts calls and
 * capacity units on the embedded DynamoDB engine, and the CPU time of the sweeping process. Computes from these the cost per month, and how
 * long a run takes at the functions' default memory. `node bench/sweep.ts [--idle N --awake N]`
 */
import { parseArgs } from 'node:util';
import { awakeMs, sweepPeriodMs } from '../contract/limits.ts';
import { arrivedMs } from '../engine/queues/sleep.ts';
import { drivenClock } from './driven-clock.ts';
import { table } from './table.ts';
import { createTestBed, type Instance, type TestBed } from './test-bed.ts';
import { runConcurrently } from './timing.ts';

const { values } = parseArgs({
  options: { idle: { type: 'string', default: '1000' }, awake: { type: 'string', default: '5000' } },
});

/** Prices of us-east-1 in dollars: https://aws.amazon.com/dynamodb/pricing/on-demand/, https://aws.amazon.com/lambda/pricing/ (arm64). */
const dollarsPerReadUnit = 0.125e-6;
const dollarsPerWriteUnit = 0.625e-6;
const dollarsPerGigabyteSecond = 0.0000133334;
const dollarsPerInvocation = 0.2e-6;
const sweepsPerMonth = (30 * 24 * 3_600_000) / sweepPeriodMs;
/** The construct's default memory, and the memory at which Lambda gives one whole CPU, in MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const memoryMb = 1024;
const processorMb = 1769;
const sweepsAveraged = 3;
const concurrentCalls = 16;

interface Run {
  what: string;
  visited: number;
  asleep: number;
  calls: number;
  readUnits: number;
  writeUnits: number;
  cpuMs: number;
}

/** Averages over several sweeps. */
async function measure(what: string, { engine, meter }: Instance, now: () => number, pass: () => Promise<void>): Promise<Run> {
  const run: Run = { what, visited: 0, asleep: 0, calls: 0, readUnits: 0, writeUnits: 0, cpuMs: 0 };
  for (let sweep = 0; sweep < sweepsAveraged; sweep++) {
    await pass();
    meter.reset();
    const startedAt = process.cpuUsage();
    const { totals, complete } = await engine.sweep({ until: now() + sweepPeriodMs });
    const { user, system } = process.cpuUsage(startedAt);
    if (!complete) throw new Error('a sweep did not finish');
    const { calls, readUnits, writeUnits } = meter.reset();
    run.visited += totals.visited / sweepsAveraged;
    run.asleep += totals.asleep / sweepsAveraged;
    run.calls += calls / sweepsAveraged;
    run.readUnits += readUnits / sweepsAveraged;
    run.writeUnits += writeUnits / sweepsAveraged;
    run.cpuMs += (user + system) / 1000 / sweepsAveraged;
  }
  return run;
}

/** How long a run takes at the default memory if it is limited by CPU. */
const secondsAtDefault = ({ cpuMs }: Run) => cpuMs / 1000 / (memoryMb / processorMb);

function dollarsAMonth(run: Run): number {
  const seconds = Math.max(secondsAtDefault(run), 0.1);
  const lambda = dollarsPerInvocation + seconds * (memoryMb / 1024) * dollarsPerGigabyteSecond;
  return sweepsPerMonth * (run.readUnits * dollarsPerReadUnit + run.writeUnits * dollarsPerWriteUnit + lambda);
}

async function forEachQueue(from: number, to: number, run: (queue: string) => Promise<unknown>): Promise<void> {
  let next = from;
  await runConcurrently(concurrentCalls, () => {
    if (next >= to) return undefined;
    const queue = `queue-${next++}`;
    return async () => void (await run(queue));
  });
}

function create({ engine }: Instance, from: number, to: number): Promise<void> {
  return forEachQueue(from, to, (queue) => engine.call('createQueue', { queue }, {}));
}

async function runs(testBed: TestBed): Promise<Run[]> {
  const clock = drivenClock();
  const instance = testBed.instance({ clock });
  const pass = () => clock.sleep(sweepPeriodMs);
  const of = (what: string) => measure(what, instance, clock.now, pass);
  const found: Run[] = [await of('no queue')];
  const idle = Number(values.idle);
  await create(instance, 0, idle);
  found.push(await of(`${idle} queues, awake and empty`));
  await clock.sleep(awakeMs + arrivedMs);
  // These sweeps put the queues to sleep.
  await of('');
  found.push(await of(`${idle} queues, asleep`));
  const each = (run: (queue: string) => Promise<unknown>) => forEachQueue(0, idle, run);
  await each((queue) => instance.engine.call('publish', { queue }, { messages: [{ body: 1 }] }));
  found.push(await of(`${idle} queues, a message waiting in each`));
  await each((queue) => instance.engine.call('purge', { queue }, {}));
  await of('');
  const awake = Number(values.awake);
  await create(instance, idle, awake);
  // A change of settings wakes the queues.
  await each((queue) => instance.engine.call('updateQueue', { queue }, {}));
  found.push(await of(`${awake} queues, awake and empty`));
  return found;
}

const testBed = await createTestBed();
try {
  const rows = (await runs(testBed)).map((run) => [
    run.what,
    Math.round(run.visited),
    Math.round(run.calls),
    run.readUnits.toFixed(1),
    run.writeUnits.toFixed(1),
    Math.round(run.cpuMs),
    secondsAtDefault(run).toFixed(1),
    dollarsAMonth(run).toFixed(2),
  ]);
  console.log(
    table(
      ['a sweep of', 'visited', 'calls', 'read units', 'write units', 'CPU, ms', `s at ${memoryMb} MB`, 'dollars a month'],
      rows,
    ),
  );
} finally {
  await testBed.close();
}
