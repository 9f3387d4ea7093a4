/**
 * Measures fairness between groups: one of many groups holds far more messages than all others together. Counts how many turns the large
 * group gets until every other group has been received. `node bench/groups.ts [--groups N --large M]`
 */
import { parseArgs } from 'node:util';
import { batchEntriesMax } from '../contract/limits.ts';
import { layGround } from './ground.ts';
import type { Metered } from './meter.ts';
import { table } from './table.ts';

const { values } = parseArgs({
  options: { groups: { type: 'string', default: '10000' }, large: { type: 'string', default: '100000' } },
});
const others = Number(values.groups) - 1;
const large = Number(values.large);

const ground = await layGround();
try {
  const { engine, meter } = ground.instance();
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
  const receives: (Metered & { ms: number })[] = [];
  while (served.size < others) {
    meter.reset();
    const startedAt = performance.now();
    const { messages } = await engine.call('receive', queue, { max: batchEntriesMax });
    receives.push({ ...meter.reset(), ms: performance.now() - startedAt });
    calls++;
    if (messages.length === 0) throw new Error('a group that waits was not found');
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
  const median = (of: (receive: Metered & { ms: number }) => number) => {
    const sorted = receives.map(of).sort((a, b) => a - b);
    return sorted[sorted.length >> 1]!;
  };
  const figures = [
    median(({ calls: made }) => made),
    median(({ writeUnits }) => writeUnits),
    median(({ readUnits }) => readUnits),
    Math.round(median(({ ms }) => ms)),
  ];
  console.log(`\nA receive of ${batchEntriesMax}, in the median:\n`);
  console.log(table(['calls', 'write units', 'read units', 'ms'], [figures]));
  if (turnsOfLarge > 2) {
    console.error('The large group had more than its turn.');
    process.exitCode = 1;
  }
} finally {
  await ground.close();
}
