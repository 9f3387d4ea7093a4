import { beforeAll, describe, expect, test } from 'vitest';
import { tableDefinitions } from '../../engine/dynamo/tables.ts';
import { timeToLiveAttribute } from '../../engine/port/port.ts';
import { ensureBundles, removable, type Synthesized, synthesize } from './synthesized.ts';

const definitions = tableDefinitions({ messages: 'messages', leases: 'leases', queues: 'queues' });
const paths = { messages: 'Tables/Messages', leases: 'Tables/Leases', queues: 'Tables/Queues' } as const;
const table = 'AWS::DynamoDB::Table';

let synthesized: Synthesized;

beforeAll(async () => {
  await ensureBundles();
  synthesized = synthesize();
});

test('the stack has one table for each of the three that the engine knows', () => {
  expect(Object.keys(definitions).sort()).toEqual(Object.keys(paths).sort());
  expect(synthesized.all(table)).toHaveLength(Object.keys(definitions).length);
});

describe.each(Object.keys(paths) as (keyof typeof paths)[])('the table %s', (name) => {
  const propertiesIn = (from: Synthesized) => from.at(table, paths[name]).Properties;

  test('the table has the keys and the index that the engine expects', () => {
    const { AttributeDefinitions, GlobalSecondaryIndexes, KeySchema } = definitions[name];
    const properties = propertiesIn(synthesized);
    expect(properties.KeySchema).toEqual(KeySchema);
    expect(sorted(properties.AttributeDefinitions)).toEqual(sorted(AttributeDefinitions));
    expect(properties.GlobalSecondaryIndexes).toEqual(GlobalSecondaryIndexes);
  });

  test('the table is on demand and encrypted, with point-in-time recovery and TTL', () => {
    expect(propertiesIn(synthesized)).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      SSESpecification: { SSEEnabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: timeToLiveAttribute, Enabled: true },
    });
  });

  test('the table is protected and outlives its stack unless the props say otherwise', () => {
    expect(synthesized.at(table, paths[name])).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { DeletionProtectionEnabled: true },
    });
    expect(synthesize(removable).at(table, paths[name])).toMatchObject({
      DeletionPolicy: 'Delete',
      Properties: { DeletionProtectionEnabled: false },
    });
    // An unprotected table is deleted, too, when the deployment that creates it fails.
    expect(synthesize({ deletionProtection: false }).at(table, paths[name])).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
    });
  });
});

function sorted(attributes: unknown): unknown[] {
  return [...(attributes as { AttributeName: string }[])].sort((a, b) => a.AttributeName.localeCompare(b.AttributeName));
}
