/** The baseline: the six DynamoDB calls of one message from publish to ack, made by the same client on the same DynamoDB engine, without the queue. */
import type { DynamoClient } from '../engine/dynamo/client.ts';
import { createCorrectedClock } from '../engine/dynamo/corrected-clock.ts';
import { bodyOf } from './bodies.ts';
import { tableNames } from './test-bed.ts';
import { ownCpuMs, runConcurrently } from './timing.ts';

const callsPerMessage = 6;

export interface RawCalls {
  callsPerSecond: number;
  cpuMsPerCall: number;
}

/** Makes the calls of `messages` messages, `concurrency` messages at a time. */
export async function rawCalls(client: DynamoClient, messages: number, concurrency: number): Promise<RawCalls> {
  let left = messages;
  const cpuMs = ownCpuMs();
  const startedAt = performance.now();
  await runConcurrently(concurrency, () => (left-- > 0 ? () => rawMessage(client) : undefined));
  const calls = messages * callsPerMessage;
  return { callsPerSecond: calls / ((performance.now() - startedAt) / 1000), cpuMsPerCall: (ownCpuMs() - cpuMs) / calls };
}

const options = { clock: createCorrectedClock() };

async function rawMessage(client: DynamoClient): Promise<void> {
  const id = crypto.randomUUID();
  const message = { TableName: tableNames.messages, Key: { shard: { S: 'raw' }, id: { S: id } } };
  const lease = { TableName: tableNames.leases, Key: { id: { S: id } } };
  const bodies = { S: JSON.stringify(bodyOf(200)) };
  const absent = { ConditionExpression: 'attribute_not_exists(id)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
  await client.call('PutItem', { TableName: message.TableName, Item: { ...message.Key, bodies } }, options);
  await Promise.all([
    client.call('GetItem', { ...message, ConsistentRead: true }, options),
    client.call('GetItem', { ...lease, ConsistentRead: true }, options),
  ]);
  const leased = { ...lease.Key, bodies, shard: { S: 'raw' }, expiry: { N: String(Date.now()) } };
  await client.call('PutItem', { TableName: lease.TableName, Item: leased, ...absent }, options);
  await client.call('DeleteItem', message, options);
  await client.call('PutItem', { TableName: lease.TableName, Item: lease.Key }, options);
}
