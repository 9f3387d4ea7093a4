/** The speed bench, with few messages: that it measures every store by every transport. Its figures are not asserted. */
import { expect, it } from 'vitest';
import { measureSides } from '../../bench/sides.ts';
import { storeNames } from '../../bench/stores.ts';
import { createTestBed } from '../../bench/test-bed.ts';

it('the speed bench measures each step on each store, in process and over HTTP, and compares the stores on DynamoDB with bare calls', async () => {
  const testBed = await createTestBed();
  try {
    const { rows, raw } = await measureSides(testBed.endpoint, { rounds: 1, share: 0.02 });
    const cases = storeNames.flatMap((store) =>
      ['in process', 'HTTP'].flatMap((by) =>
        [1, 10].flatMap((batch) => ['publish', 'receiveAndAck'].map((step) => [store, by, batch, step])),
      ),
    );
    expect(cases).toHaveLength(32);
    expect(rows.map(({ store, by, batch, step }) => `${[store, by, batch, step]}`).sort()).toEqual(cases.map(String).sort());
    const onDynamodb = storeNames.filter((store) => store.startsWith('DynamoDB'));
    expect(raw.map(({ store }) => store)).toEqual(onDynamodb);
    for (const row of rows) {
      expect(row.messagesPerSecond).toBeGreaterThan(0);
      const processes = [...(row.by === 'HTTP' ? ['client'] : []), 'queue', ...(onDynamodb.includes(row.store) ? ['store'] : [])];
      expect(Object.keys(row.cpuMsPerMessage)).toEqual(processes);
      expect(row.shareOfRaw !== undefined).toBe(onDynamodb.includes(row.store));
    }
  } finally {
    await testBed.close();
  }
});
