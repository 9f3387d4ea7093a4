/** Checks tables that a stack gives to the construct, as far as synth can: those that the same app defines. */
import { CfnResource, Stack } from 'aws-cdk-lib';
import type { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { dueIndex, tables as tableKeys, timeToLiveAttribute } from '../engine/port/port.ts';
import type { DumbwaiterTable, DumbwaiterTables } from './table-access.ts';

/** The table's resource; undefined for an imported table, and for a global one, whose stream its own construct defines. */
export function definitionIn(table: DumbwaiterTable): CfnTable | undefined {
  const resource = table.node.defaultChild;
  const isTable = CfnResource.isCfnResource(resource) && resource.cfnResourceType === 'AWS::DynamoDB::Table';
  return isTable ? (resource as CfnTable) : undefined;
}

/** What a definition says once it is resolved. */
interface Definition {
  keySchema?: { attributeName: string; keyType: string }[];
  attributeDefinitions?: { attributeName: string; attributeType: string }[];
  globalSecondaryIndexes?: {
    indexName: string;
    keySchema: { attributeName: string; keyType: string }[];
    projection: { projectionType?: string; nonKeyAttributes?: string[] };
  }[];
  timeToLiveSpecification?: { attributeName: string; enabled: boolean };
  streamSpecification?: { streamViewType: string };
}

/** Throws an error that names every fault. */
export function checkAdopted(at: string, tables: DumbwaiterTables): void {
  const names = Object.keys(tableKeys) as (keyof typeof tableKeys)[];
  const missing = names.filter((name) => tables[name] === undefined);
  if (missing.length > 0) throw new Error(`${at}: tables: give all three; missing are ${missing.join(', ')}`);
  const faults = names.flatMap((name) => faultsOf(name, tables[name]).map((fault) => `tables.${name}: ${fault}`));
  if (new Set(names.map((name) => tables[name])).size < names.length) faults.push('tables: must be three different ones');
  if (faults.length > 0) throw new Error([`${at}: these tables cannot hold the queue.`, ...faults].join('\n  '));
}

function faultsOf(name: keyof typeof tableKeys, table: DumbwaiterTable): string[] {
  const cfn = definitionIn(table);
  if (cfn === undefined) return [];
  const { keySchema, attributeDefinitions, globalSecondaryIndexes, timeToLiveSpecification, streamSpecification } = cfn;
  const defined = { keySchema, attributeDefinitions, globalSecondaryIndexes, timeToLiveSpecification, streamSpecification };
  const found: Definition = Stack.of(table).resolve(defined);
  const typeOf = (attribute: string) =>
    found.attributeDefinitions?.find(({ attributeName }) => attributeName === attribute)?.attributeType;
  const keysOf = (schema: Definition['keySchema'] = []) =>
    schema.map(({ attributeName, keyType }) => `${attributeName} (${keyType}, ${typeOf(attributeName)})`).join(', ');
  const wanted = Object.values(tableKeys[name])
    .map((key, index) => `${key} (${index === 0 ? 'HASH' : 'RANGE'}, S)`)
    .join(', ');
  const faults: string[] = [];
  if (keysOf(found.keySchema) !== wanted) faults.push(`the keys must be ${wanted}; they are ${keysOf(found.keySchema)}`);
  const ttl = found.timeToLiveSpecification;
  if (ttl?.attributeName !== timeToLiveAttribute || !ttl.enabled) {
    faults.push(`the TTL attribute must be ${timeToLiveAttribute}`);
  }
  const view = found.streamSpecification?.streamViewType;
  if (view !== undefined && !view.startsWith('NEW')) faults.push(`its stream must have new images; it has ${view}`);
  if (name !== 'leases') return faults;
  const index = found.globalSecondaryIndexes?.find(({ indexName }) => indexName === dueIndex.name);
  const wantedIndex = `${dueIndex.partition} (HASH, S), ${dueIndex.sort} (RANGE, N)`;
  const { projectionType, nonKeyAttributes = [] } = index?.projection ?? {};
  const isProjected = projectionType === 'ALL' || dueIndex.projected.every((attribute) => nonKeyAttributes.includes(attribute));
  if (index === undefined || keysOf(index.keySchema) !== wantedIndex || !isProjected) {
    faults.push(`it must have the index ${dueIndex.name} with the keys ${wantedIndex}, and ${dueIndex.projected.join(', ')}`);
  }
  return faults;
}
