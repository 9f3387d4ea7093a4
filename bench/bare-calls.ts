/**
 * The baseline: the calls that the queue made for some messages, recorded (recorded-calls.ts) and made once more by the same client on the
 * same DynamoDB engine, without the queue. The inputs are ready: the time is that of the client and of the engine.
 */
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { DynamoError } from '../engine/dynamo/errors.ts';
import { tables } from '../engine/port/port.ts';
import type { RecordedCall, Recording } from './recorded-calls.ts';
import { tableNames } from './test-bed.ts';
import { ownCpuMs, runConcurrently } from './timing.ts';

export interface BareCalls {
  messagesPerSecond: number;
  cpuMsPerMessage: number;
  callsPerMessage: number;
  /** Bytes of the requests' bodies. */
  bytesPerMessage: number;
  /** Writes whose condition failed: two receives tried the same row. */
  refused: number;
}

export interface BareSteps {
  publish: BareCalls;
  receiveAndAck: BareCalls;
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const batchWritesMax = 25;
const options = { clock: createCorrectedClock() };

/** Makes the calls of the recording, `concurrency` flows at a time. Each call finds the rows that it found when it was recorded. */
export async function bareCalls(client: DynamoClient, recording: Recording, concurrency: number): Promise<BareSteps> {
  await removeRows(client, recording);
  const publish = await makeAll(client, recording.publish, recording.messages, concurrency);
  return { publish, receiveAndAck: await makeAll(client, recording.receiveAndAck, recording.messages, concurrency) };
}

async function makeAll(
  client: DynamoClient,
  flows: RecordedCall[][][],
  messages: number,
  concurrency: number,
): Promise<BareCalls> {
  const waiting = flows.values();
  let refused = 0;
  const make = ({ operation, input }: RecordedCall) =>
    client.call(operation, input, options).catch((error: unknown) => {
      if (!(error instanceof DynamoError) || error.name !== 'ConditionalCheckFailedException') throw error;
      refused++;
    });
  const cpuMs = ownCpuMs();
  const startedAt = performance.now();
  await runConcurrently(concurrency, () => {
    const { value: rounds } = waiting.next();
    return (
      rounds &&
      (async () => {
        for (const round of rounds) await Promise.all(round.map(make));
      })
    );
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const usedMs = ownCpuMs() - cpuMs;
  const calls = flows.flat(2);
  const bytes = calls.reduce((sum, { input }) => sum + Buffer.byteLength(JSON.stringify(input)), 0);
  return {
    messagesPerSecond: messages / seconds,
    cpuMsPerMessage: usedMs / messages,
    callsPerMessage: calls.length / messages,
    bytesPerMessage: bytes / messages,
    refused,
  };
}

/** Removes the rows that the calls left in `leases`, so that the same conditional writes succeed again. */
async function removeRows(client: DynamoClient, { receiveAndAck }: Recording): Promise<void> {
  const ids = new Map<string, object>();
  for (const { input } of receiveAndAck.flat(2)) {
    const { TableName, Item } = input as { TableName?: string; Item?: Record<string, { S: string }> };
    const id = Item?.[tables.leases.partition];
    if (TableName === tableNames.leases && id !== undefined) ids.set(id.S, id);
  }
  const deletes = [...ids.values()].map((id) => ({ DeleteRequest: { Key: { [tables.leases.partition]: id } } }));
  for (let from = 0; from < deletes.length; from += batchWritesMax) {
    const RequestItems = { [tableNames.leases]: deletes.slice(from, from + batchWritesMax) };
    const { answer } = await client.call('BatchWriteItem', { RequestItems }, options);
    if (Object.keys(answer.UnprocessedItems ?? {}).length > 0) throw new Error('the engine left rows in place');
  }
}
