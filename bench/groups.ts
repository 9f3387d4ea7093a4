/**
 * Measures fairness between groups: one of many groups holds far more messages than all others together. Counts how many turns the large
 * group gets until every other group has been received. `node bench/groups.ts [--groups N --large M]`
 */
import { parseArgs } from 'node:util';
import { batchEntriesMax } from '../contract/limits.ts';
import type { MeteredCapacity } from './capacity-meter.ts';
import { table } from './table.ts';
import { createTestBed } from './test-bed.ts';
import { median } from './timing.ts';

const { values } = parseArgs({
  options: { groups: { type: 'string', default: '10000' }, large: { type: 'string', default: '100000' } },
});
const others = Number(values.groups) - 1;
const large = Number(values.large);

const testBed = await createTestBed();
try {
  const { engine, meter } = testBed.instance();
  const queue = { queue: 'groups' };
  await engine.call('createQueue', queue, { visibilityTimeoutSeconds: 3600 });
  const publish = async (count: number, groupOf: (index: number) => string) => {
    for (let at = 0; at < count; at += batchEntriesMax) {
      const entries = Array.from({ length: Math.min(batchEntriesMax, count - at) }, (_, index) => ({
        body: at + index,
        group: groupOf(at + index),
      }));
      const { results } = await engine.call('publish', queue, { messages: entries });
      for (const result of results) if (!result.ok) throw new Error(result.message);
    }
  };
  await publish(large, () => 'large');
  await publish(others, (index) => `small-${index}`);

  const served = new Set<string>();
  let turnsOfLarge = 0;
  let largeMessages = 0;
  let calls = 0;
  const receives: (MeteredCapacity & { ms: number })[] = [];
  while (served.size < others) {
    meter.reset();
    const startedAt = performance.now();
    const { messages } = await engine.call('receive', queue, { max: batchEntriesMax });
    receives.push({ ...meter.reset(), ms: performance.now() - startedAt });
    calls++;
    if (messages.length === 0) throw new Error('a receive found no group although some have messages');
    const ofLarge = messages.filter(({ group }) => group === 'large');
    if (ofLarge.length > 0) turnsOfLarge++;
    largeMessages += ofLarge.length;
    for (const { group } of messages) if (group !== 'large') served.add(group!);
    const { results } = await engine.call('ack', queue, { receipts: messages.map(({ receipt }) => receipt) });
    for (const result of results) if (!result.ok) throw new Error(result.message);
  }
  console.log(
    table(
      [
        'groups',
        'messages in the largest',
        'receives until all others were served',
        'turns of the largest by then',
        'its messages',
      ],
      [[others + 1, large, calls, turnsOfLarge, largeMessages]],
    ),
  );
  const figures = (['calls', 'writeUnits', 'readUnits', 'ms'] as const).map((name) =>
    Number(median(receives.map((receive) => receive[name])).toFixed(name === 'ms' ? 0 : 1)),
  );
  console.log(`\nA receive of ${batchEntriesMax}, in the median:\n`);
  console.log(table(['calls', 'write units', 'read units', 'ms'], [figures]));
  if (turnsOfLarge > 2) {
    console.error('The large group got more than two turns.');
    process.exitCode = 1;
  }
} finally {
  await testBed.close();
}
