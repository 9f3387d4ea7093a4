/**
 * Measures the throughput of queues: the real engine over a model of DynamoDB's partitions. It runs in virtual time, so that the figures
 * are the same on every machine. `node bench/capacity.ts [--json] [--shards-max N]`; docs/numbers.md explains the figures.
 */
import { parseArgs } from 'node:util';
import { shardsMax } from '../contract/limits.ts';
import { partitionLimits } from './capacity/partitions.ts';
import {
  type Measured,
  measureFixedShards,
  measureGrowth,
  measureNeighbour,
  percentile,
  type Scale,
  surfaced,
} from './capacity/scenarios.ts';
import { table } from './table.ts';

const { values } = parseArgs({ options: { json: { type: 'boolean' }, 'shards-max': { type: 'string' } } });
const shardsLast = Math.min(shardsMax, Number(values['shards-max'] ?? shardsMax));

/** Nine tenths of a shard's capacity: its partition of the index takes 1,000 units a second, and each parcel of ten needs two. */
const scale: Scale = { limits: partitionLimits, seed: 1, perShard: { perSecond: 4_500, publishers: 4, receivers: 30 } };
/** Without the table's limit, and with `leases` spread over as many partitions as that requires. */
const unlimited: Scale = {
  ...scale,
  limits: { ...partitionLimits, tableUnitsPerSecond: null, leasesPartitions: 4096 },
};
/** Many concurrent publishers, as Lambda functions are: none of them waits for another. */
const burst: Scale = { ...scale, perShard: { perSecond: 3_000, publishers: 30, receivers: 16 } };

const perSecond = ({ tally, seconds }: Measured) => tally.acked / seconds;
const perMessage = (units: number, { tally }: Measured) => (units / tally.acked).toFixed(2);
const ms = (value: number) => Math.round(value);

const shardCounts: number[] = [];
for (let shards = 1; shards <= shardsLast; shards *= 2) shardCounts.push(shards);

interface FixedShards {
  shards: number;
  measured: Measured;
}

async function measureAllFixed(scale: Scale): Promise<FixedShards[]> {
  const rows: FixedShards[] = [];
  for (const shards of shardCounts) {
    const seconds = { warmUp: 1, measure: Math.min(4, Math.max(0.25, 8 / shards)) };
    const measured = await measureFixedShards(shards, scale, seconds);
    rows.push({ shards, measured });
    console.error(`${shards} shards: ${Math.round(perSecond(measured))} messages a second`);
  }
  return rows;
}

function fixedTable(rows: readonly FixedShards[]): string {
  return table(
    [
      'shards',
      'offered, /s',
      'acked, /s',
      'of linear',
      'throttled attempts',
      'surfaced',
      'refused writes',
      'read units',
      'publish p99, ms',
      'receive p99, ms',
    ],
    rows.map(({ shards, measured }) => [
      shards,
      shards * scale.perShard.perSecond,
      Math.round(perSecond(measured)),
      `${((100 * perSecond(measured)) / (shards * scale.perShard.perSecond)).toFixed(0)} %`,
      measured.throttled.key + measured.throttled.table,
      surfaced(measured.tally),
      perMessage(measured.refused, measured),
      perMessage(measured.readUnits, measured),
      ms(percentile(measured.tally.publishMs, 0.99)),
      ms(percentile(measured.tally.receiveMs, 0.99)),
    ]),
  );
}

const fixed = await measureAllFixed(unlimited);
const growth = await measureGrowth(4, burst, { loadSeconds: 45, stepSeconds: 5, idleMinutes: 90 });
const seconds = { warmUp: 2, measure: 5 };
const neighbours = [
  { what: 'alone', ...(await measureNeighbour(false, scale, seconds)) },
  { what: 'beside a hot one', ...(await measureNeighbour(true, scale, seconds)) },
];

if (values.json) {
  console.log(
    JSON.stringify({
      carried: fixed.map(({ shards, measured }) => ({
        shards,
        ackedPerSecond: perSecond(measured),
        throttled: measured.throttled,
        surfaced: surfaced(measured.tally),
      })),
      growth: {
        loaded: growth.loaded.map((moment) => ({
          at: moment.at,
          shards: moment.shards,
          ackedPerSecond: perSecond(moment),
          surfaced: surfaced(moment.tally),
        })),
        drainedSeconds: growth.drainedSeconds,
        idle: growth.idle,
      },
      beside: neighbours.map(({ what, small }) => ({
        what,
        ackedPerSecond: perSecond(small),
        publishP99Ms: percentile(small.tally.publishMs, 0.99),
        receiveP99Ms: percentile(small.tally.receiveMs, 0.99),
      })),
    }),
  );
} else {
  console.log(`A fixed number of shards, each offered ${scale.perShard.perSecond} messages a second, ten at a time:\n`);
  console.log(fixedTable(fixed));
  console.log(`\nA queue of one shard that is suddenly offered ${4 * burst.perShard.perSecond} messages a second, for 45 s:\n`);
  console.log(
    table(
      [
        'after, s',
        'shards',
        'published, /s',
        'acked, /s',
        'backlog',
        'throttled attempts',
        'surfaced',
        'publish p50, ms',
        'publish p99, ms',
      ],
      growth.loaded.map((moment) => [
        moment.at,
        moment.shards,
        Math.round(moment.tally.published / moment.seconds),
        Math.round(perSecond(moment)),
        moment.backlog,
        moment.throttled.key + moment.throttled.table,
        surfaced(moment.tally),
        ms(percentile(moment.tally.publishMs, 0.5)),
        ms(percentile(moment.tally.publishMs, 0.99)),
      ]),
    ),
  );
  console.log(`\nThe queue was empty ${growth.drainedSeconds} s after the load ended. Then, swept each minute:\n`);
  console.log(
    table(
      ['after, min', 'shards', 'visited'],
      growth.idle.map(({ minutes, shards, visited }) => [minutes, shards, visited]),
    ),
  );
  console.log(
    '\nA queue of one shard that is offered a tenth of that, alone and beside a queue that is offered twice what its shard takes:\n',
  );
  console.log(
    table(
      ['queue', 'acked, /s', 'throttled', 'surfaced', 'publish p50, ms', 'publish p99, ms', 'receive p50, ms', 'receive p99, ms'],
      neighbours.map(({ what, small }) => [
        what,
        Math.round(perSecond(small)),
        what === 'alone' ? small.throttled.key : '',
        surfaced(small.tally),
        ...[small.tally.publishMs, small.tally.receiveMs].flatMap((times) => [
          ms(percentile(times, 0.5)),
          ms(percentile(times, 0.99)),
        ]),
      ]),
    ),
  );
}

const isLinear = fixed.every(({ shards, measured }) => perSecond(measured) >= 0.9 * shards * scale.perShard.perSecond);
const hasNoErrors = growth.loaded.every((moment) => surfaced(moment.tally) === 0);
if (!isLinear || !hasNoErrors) {
  console.error('A target was missed.');
  process.exitCode = 1;
}
