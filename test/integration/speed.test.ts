/** The speed bench, with few messages: that it measures every store by every transport. Its times are not asserted. */
import { expect, it } from 'vitest';
import { bareCalls } from '../../bench/bare-calls.ts';
import { listeningCost } from '../../bench/listening.ts';
import { recordCalls } from '../../bench/recorded-calls.ts';
import { measureSides } from '../../bench/sides.ts';
import { storeNames } from '../../bench/stores.ts';
import { listeningDollars } from '../../bench/targets.ts';
import { createTestBed, tableNames } from '../../bench/test-bed.ts';
import { inProcess } from '../../bench/transports.ts';
import { createEngine } from '../../engine/create.ts';
import { dynamoParts } from '../../engine/dynamo/parts.ts';

it('the speed bench measures each step on each store, in process and over HTTP, and compares the stores on DynamoDB with bare calls', async () => {
  const testBed = await createTestBed();
  try {
    const { rows, bare } = await measureSides(testBed.endpoint, { rounds: 1, share: 0.02 });
    const cases = storeNames.flatMap((store) =>
      ['in process', 'HTTP'].flatMap((by) =>
        [1, 10].flatMap((batch) => ['publish', 'receiveAndAck'].map((step) => [store, by, batch, step])),
      ),
    );
    expect(cases).toHaveLength(32);
    expect(rows.map(({ store, by, batch, step }) => `${[store, by, batch, step]}`).sort()).toEqual(cases.map(String).sort());
    const onDynamodb = storeNames.filter((store) => store.startsWith('DynamoDB'));
    const bareCases = onDynamodb.flatMap((store) =>
      [1, 10].flatMap((batch) => ['publish', 'receiveAndAck'].map((step) => `${[store, batch, step]}`)),
    );
    expect(bare.map(({ store, batch, step }) => `${[store, batch, step]}`).sort()).toEqual(bareCases.sort());
    for (const row of bare) expect(Math.min(row.share, row.shareByCpu)).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row.messagesPerSecond).toBeGreaterThan(0);
      const processes = [...(row.by === 'HTTP' ? ['client'] : []), 'queue', ...(onDynamodb.includes(row.store) ? ['store'] : [])];
      expect(Object.keys(row.cpuMsPerMessage)).toEqual(processes);
    }
  } finally {
    await testBed.close();
  }
});

it('bare calls are the calls that the queue made, and DynamoDB accepts them as often as they are repeated', async () => {
  const testBed = await createTestBed();
  try {
    const { client } = testBed.instance({ metered: false });
    const load = { messages: 40, batch: 10, concurrency: 1 };
    const recording = await recordCalls(
      client,
      (recorded) => inProcess(createEngine(dynamoParts({ client: recorded, tables: tableNames, forJson: true }))),
      load,
    );
    const operationsOf = (rounds: { operation: string }[][]) => rounds.map((round) => round.map(({ operation }) => operation));
    expect(operationsOf(recording.publish.at(-1)!)).toEqual([['BatchWriteItem']]);
    const receiveAndAck = [['Query', 'Query'], ['PutItem'], ['BatchWriteItem'], ['PutItem']];
    expect(operationsOf(recording.receiveAndAck.at(-1)!)).toEqual(receiveAndAck);
    for (const _ of [1, 2]) {
      const bare = await bareCalls(client, recording, load.concurrency);
      expect(bare.publish.refused).toBe(0);
      expect(bare.receiveAndAck.refused).toBe(0);
      expect(bare.receiveAndAck.callsPerMessage).toBe(recording.receiveAndAck.flat(2).length / load.messages);
    }
  } finally {
    await testBed.close();
  }
});

it('an idle consumer that waits to be woken costs at most ten cents a month, and never lets its connection fall silent', async () => {
  const testBed = await createTestBed();
  try {
    const { receives, connections, closedIdle, dollarsPerMonth } = await listeningCost(testBed);
    expect([connections, closedIdle]).toEqual([12, 0]);
    expect(receives).toBeGreaterThanOrEqual(720);
    expect(dollarsPerMonth).toBeLessThanOrEqual(listeningDollars.atMost);
  } finally {
    await testBed.close();
  }
});
