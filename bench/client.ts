/**
 * Measures what a DynamoDB call costs this process: by the queue's own client and by the AWS SDK's, side by side, on the embedded
 * engine, which is a process of its own. `node bench/client.ts [--json]`; see docs/numbers.md.
 */
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import type { SdkClient } from '../engine/dynamo/sdk-client.ts';
import { bodyOf } from './bodies.ts';
import { sdkCommands } from './sdk-calls.ts';
import { against, table } from './table.ts';
import { clientShareOfSdk } from './targets.ts';
import { createTestBed, tableNames } from './test-bed.ts';
import { median, ownCpuMs, runConcurrently } from './timing.ts';

const rounds = 5;
const callsOfRound = 1_000;
const concurrencies = [1, 8];
const bodyBytes = 200;

type Operation = 'PutItem' | 'GetItem' | 'UpdateItem' | 'Query' | 'DeleteItem';
type Send = (operation: Operation, input: object) => Promise<unknown>;

function ofSdk(sdk: SdkClient): Send {
  return (operation, input) => sdk.send(new sdkCommands[operation](input as never));
}

function ofQueue(client: DynamoClient): Send {
  const clock = createCorrectedClock();
  return (operation, input) => client.call(operation, input, { clock });
}

/** The calls of one message's life, about: put, read, change, look for more, remove. */
function lifeOf(id: string): [Operation, object][] {
  const Key = { shard: { S: 'bench' }, id: { S: id } };
  const TableName = tableNames.messages;
  const names = { ExpressionAttributeNames: { '#0': 'id', '#1': 'version' } };
  const bodies = { S: JSON.stringify(bodyOf(bodyBytes)) };
  return [
    ['PutItem', { TableName, Item: { ...Key, bodies, version: { S: 'a' }, slots: { L: [{ M: { failures: { N: '0' } } }] } } }],
    ['GetItem', { TableName, Key, ConsistentRead: true }],
    [
      'UpdateItem',
      {
        TableName,
        Key,
        UpdateExpression: 'SET #1 = :1',
        ConditionExpression: 'attribute_exists(#0) AND #1 = :0',
        ...names,
        ExpressionAttributeValues: { ':0': { S: 'a' }, ':1': { S: 'b' } },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    ],
    [
      'Query',
      {
        TableName,
        KeyConditionExpression: '#0 = :0',
        ExpressionAttributeNames: { '#0': 'shard' },
        ExpressionAttributeValues: { ':0': { S: 'bench' } },
        Limit: 2,
      },
    ],
    ['DeleteItem', { TableName, Key }],
  ];
}

/** Milliseconds of CPU for each call. */
async function cpuOf(send: Send, concurrency: number): Promise<number> {
  let calls = 0;
  const startedAt = ownCpuMs();
  await runConcurrently(concurrency, () => {
    if (calls >= callsOfRound) return undefined;
    const life = lifeOf(crypto.randomUUID());
    calls += life.length;
    return async () => {
      for (const [operation, input] of life) await send(operation, input);
    };
  });
  return (ownCpuMs() - startedAt) / calls;
}

interface Row {
  concurrency: number;
  sdkMs: number;
  queueMs: number;
  /** The median of the rounds' ratios: both were measured one right after the other. */
  share: number;
}

const testBed = await createTestBed();
try {
  const sdk = ofSdk(testBed.sdk);
  const queue = ofQueue(testBed.instance({ metered: false }).client);
  const rows: Row[] = [];
  for (const concurrency of concurrencies) {
    const measured: { sdk: number; queue: number }[] = [];
    // The first round warms up the code and does not count.
    for (let round = 0; round <= rounds; round++) {
      const one = { sdk: await cpuOf(sdk, concurrency), queue: await cpuOf(queue, concurrency) };
      if (round > 0) measured.push(one);
    }
    rows.push({
      concurrency,
      sdkMs: median(measured.map((one) => one.sdk)),
      queueMs: median(measured.map((one) => one.queue)),
      share: median(measured.map((one) => one.queue / one.sdk)),
    });
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify({ rows }));
  else {
    console.log(
      table(
        ['calls at a time', 'AWS SDK, ms of CPU a call', 'own client, ms of CPU a call', 'share of the AWS SDK'],
        rows.map(({ concurrency, sdkMs, queueMs, share }) => [
          concurrency,
          sdkMs.toFixed(3),
          queueMs.toFixed(3),
          against(share, clientShareOfSdk, 2),
        ]),
      ),
    );
  }
} finally {
  await testBed.close();
}
