/** The baseline: the six DynamoDB calls of one message from publish to ack, made by the same AWS client on the same DynamoDB engine, without the queue. */
import { DeleteItemCommand, type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { bareCall } from './bare-request.ts';
import { bodyOf } from './bodies.ts';
import { tableNames } from './test-bed.ts';
import { ownCpuMs, runConcurrently } from './timing.ts';

const callsPerMessage = 6;

export interface RawCalls {
  callsPerSecond: number;
  cpuMsPerCall: number;
}

/** Makes the calls of `messages` messages, `concurrency` messages at a time. */
export async function rawCalls(client: DynamoDBClient, messages: number, concurrency: number): Promise<RawCalls> {
  let left = messages;
  const cpuMs = ownCpuMs();
  const startedAt = performance.now();
  await runConcurrently(concurrency, () => (left-- > 0 ? () => rawMessage(client) : undefined));
  const calls = messages * callsPerMessage;
  return { callsPerSecond: calls / ((performance.now() - startedAt) / 1000), cpuMsPerCall: (ownCpuMs() - cpuMs) / calls };
}

async function rawMessage(client: DynamoDBClient): Promise<void> {
  const id = crypto.randomUUID();
  const message = { TableName: tableNames.messages, Key: { shard: { S: 'raw' }, id: { S: id } } };
  const lease = { TableName: tableNames.leases, Key: { id: { S: id } } };
  const bodies = { S: JSON.stringify(bodyOf(200)) };
  const absent = { ConditionExpression: 'attribute_not_exists(id)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
  await client.send(new PutItemCommand({ TableName: message.TableName, Item: { ...message.Key, bodies } }));
  await Promise.all([
    client.send(new GetItemCommand({ ...message, ConsistentRead: true })),
    client.send(new GetItemCommand({ ...lease, ConsistentRead: true })),
  ]);
  const leased = { ...lease.Key, bodies, shard: { S: 'raw' }, expiry: { N: String(Date.now()) } };
  await client.send(new PutItemCommand({ TableName: lease.TableName, Item: leased, ...absent }));
  await client.send(new DeleteItemCommand(message));
  await client.send(new PutItemCommand({ TableName: lease.TableName, Item: lease.Key }));
}

export interface CallCost {
  cpuMs: number;
  wallMs: number;
}

/** Measures sequential GetItem calls, by the AWS client and signed by hand. */
export async function callCosts(
  client: DynamoDBClient,
  endpoint: string,
  calls: number,
): Promise<{ sdk: CallCost; bare: CallCost }> {
  const input = { TableName: tableNames.messages, Key: { shard: { S: 'raw' }, id: { S: 'one' } }, ConsistentRead: true };
  const Item = { ...input.Key, bodies: { S: JSON.stringify(bodyOf(200)) } };
  await client.send(new PutItemCommand({ TableName: input.TableName, Item }));
  const bySdk = () => client.send(new GetItemCommand(input));
  const byHand = () => bareCall(endpoint, 'GetItem', input);
  return { sdk: await oneAfterAnother(bySdk, calls), bare: await oneAfterAnother(byHand, calls) };
}

async function oneAfterAnother(call: () => Promise<unknown>, calls: number): Promise<CallCost> {
  // Warm up: the first calls run code that is not compiled yet.
  for (let warmUp = 0; warmUp < calls / 4; warmUp++) await call();
  const cpuMs = ownCpuMs();
  const startedAt = performance.now();
  for (let count = 0; count < calls; count++) await call();
  return { cpuMs: (ownCpuMs() - cpuMs) / calls, wallMs: (performance.now() - startedAt) / calls };
}
