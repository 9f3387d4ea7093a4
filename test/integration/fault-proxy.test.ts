import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Transport } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { createEngine } from '../../engine/create.ts';
import { createCorrectedClock } from '../../engine/dynamo/corrected-clock.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import type { Engine, QueueOperation } from '../../engine/engine.ts';
import { createRandom, seededRandom } from '../../engine/port/random.ts';
import { check } from '../simulation/checker/check.ts';
import { createRecorder } from '../simulation/run/recorder.ts';
import { createTestClient, startTestDynamodb, type TestDynamodb } from '../support/dynamodb.ts';
import { type FaultProxy, type ProxyFault, startFaultProxy } from '../support/fault-proxy.ts';
import { testSeed } from '../support/seed.ts';
import type { CallLog } from '../torture/call-log.ts';
import { drain } from '../torture/drain.ts';
import { createWorker, hiddenMsMax, queueNames, settingsOf } from '../torture/workload.ts';

const rates: Record<ProxyFault, number> = {
  ThrottlingException: 0.03,
  ProvisionedThroughputExceededException: 0.03,
  TransactionConflict: 0.05,
  'InternalServerError before': 0.02,
  'InternalServerError after': 0.03,
  'reset before': 0.02,
  'reset after': 0.03,
  late: 0.02,
  twice: 0.03,
  'too slow': 0.003,
  half: 0.15,
};
/** The client closes a silent connection after five seconds. */
const slowMs = 6_000;
const lateMsMax = 4_000;
const engines = 3;
const workers = 24;
const loadMs = 12_000;
const sweepEachMs = 2_000;
const faultMsMax = 60_000;
/** All clocks are of one process. Times are written in whole milliseconds. */
const clockErrorMs = 2;

const running: { engine: Engine; stop: () => void }[] = [];
let proxy: FaultProxy;
let dynamodb: TestDynamodb;
beforeAll(async () => {
  dynamodb = await startTestDynamodb();
});
afterAll(async () => {
  for (const { stop } of running) stop();
  await proxy.stop();
  await dynamodb.stop();
});

/** An engine as a separate process would have it, with its own connections and clock, over the proxy. */
function engineOver(anomalies: string[]): { engine: Engine; stop: () => void } {
  const client = createTestClient(proxy.endpoint);
  const clock = createCorrectedClock();
  const engine: Engine = createEngine({
    store: createDynamoStore({ client, tables: dynamodb.tables, clock }),
    clock,
    random: createRandom(),
    observe: (event) => {
      if (event.kind === 'anomaly') anomalies.push(JSON.stringify(event));
    },
    startRedrive: async (queue, task) => void runRedrive(engine, queue, task),
  });
  return { engine, stop: () => client.destroy() };
}

async function runRedrive(engine: Engine, queue: string, task: string): Promise<void> {
  const until = Date.now() + faultMsMax;
  while (Date.now() < until) {
    const ended = await unlessRefused(() => engine.runRedrive(queue, task, { until }));
    if (ended === 'done') return;
  }
}

/** A store that is throttled and fails leads to refusals. All other errors are defects. */
async function unlessRefused<T>(run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof DumbwaiterError)) throw error;
    return undefined;
  }
}

it('a queue keeps its promises while DynamoDB throttles, fails, and loses, delays, repeats or half completes requests', async () => {
  const seed = testSeed;
  const random = seededRandom(seed);
  proxy = await startFaultProxy({ target: dynamodb.endpoint, random, rates, lateMsMax, slowMs });
  const anomalies: string[] = [];
  running.push(...Array.from({ length: engines }, () => engineOver(anomalies)));
  const recorder = createRecorder(Date.now);
  const queues = queueNames(1);

  const transports = running.map(({ engine }) => engine as unknown as Transport);
  const log = (process: string): CallLog => ({
    call: (by, operation, params, input) =>
      recorder.call(
        { process, engine: by as unknown as Engine },
        operation as QueueOperation,
        params as never,
        input as never,
      ) as never,
    close: () => undefined,
  });
  for (const [queue, settings] of settingsOf(queues)) {
    while (!(await log('main').call(transports[0]!, 'createQueue', { queue }, settings)));
  }

  const until = Date.now() + loadMs;
  await Promise.all([
    ...Array.from({ length: workers }, async (_, index) => {
      const name = `w${index}`;
      const worker = createWorker({ log: log(name), random, transports, queues, name });
      while (Date.now() < until) await worker.step();
    }),
    ...running.map(async ({ engine }) => {
      while (Date.now() < until) {
        await unlessRefused(() => engine.sweep({ until }));
        await delay(sweepEachMs);
      }
    }),
  ]);
  await proxy.calm();
  const names = [queues.work, queues.plain, queues.purged, queues.dead];
  const drainedAt = await drain(log('main'), transports[0]!, names, Date.now() + hiddenMsMax);

  const { calls } = recorder;
  const violations = check({ calls, circumstances: { clockErrorMs, drainedAt } });
  const said = `seed ${seed}, ${calls.length} calls, ${JSON.stringify(proxy.counts)}`;
  expect(violations, said).toEqual([]);
  expect(anomalies, said).toEqual([]);
  expect(
    Object.entries(proxy.counts).filter(([, times]) => times === 0),
    said,
  ).toEqual([]);
}, 180_000);
