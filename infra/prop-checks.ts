/** Checks the values of the construct's props that CloudFormation, or a function at its start, would refuse only at deployment. */
import { Token } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { publicHostsAnd } from '../contract/host-rule.ts';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';
import { checkWholeNumber } from './number-checks.ts';

/** In MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const memoryMin = 128;
const memoryMax = 10_240;
/** What DynamoDB gives new tables on demand. */
const warmReadsMin = 12_000;
const warmWritesMin = 4_000;

/** Throws an error that names the prop by its path, its limits and what was given. */
export function checkPropValues(at: string, props: DumbwaiterProps): void {
  const check = (name: string, value: unknown, min: number, max?: number) => {
    if (value !== undefined) checkWholeNumber(`${at}: ${name}`, value, min, max);
  };
  check('memorySize', props.memorySize, memoryMin, memoryMax);
  check('receiveConcurrency', props.receiveConcurrency, 1);
  check('sqsConcurrency', props.sqsConcurrency, 1);
  if (props.throttle) {
    const { requestsPerSecond, burst } = props.throttle;
    checkWholeNumber(`${at}: throttle.requestsPerSecond`, requestsPerSecond, 1);
    checkWholeNumber(`${at}: throttle.burst`, burst, 1);
  }
  for (const [table, capacity = {}] of Object.entries(props.tableCapacity ?? {})) {
    const { maxReadRequestUnits, maxWriteRequestUnits, warmThroughput } = capacity;
    check(`tableCapacity.${table}.maxReadRequestUnits`, maxReadRequestUnits, 1);
    check(`tableCapacity.${table}.maxWriteRequestUnits`, maxWriteRequestUnits, 1);
    check(`tableCapacity.${table}.warmThroughput.readUnitsPerSecond`, warmThroughput?.readUnitsPerSecond, warmReadsMin);
    check(`tableCapacity.${table}.warmThroughput.writeUnitsPerSecond`, warmThroughput?.writeUnitsPerSecond, warmWritesMin);
  }
  if (props.logRetention !== undefined && RetentionDays[props.logRetention] === undefined) {
    throw new Error(`${at}: logRetention: must be one of RetentionDays; it is ${JSON.stringify(props.logRetention)}`);
  }
  for (const origin of props.allowedOrigins ?? []) {
    if (Token.isUnresolved(origin) || /^(\*|[a-z][a-z0-9+.-]*:\/\/[^/\s,]+)$/i.test(origin)) continue;
    const form = 'must be an origin, such as https://example.com, without a path, or *';
    throw new Error(`${at}: allowedOrigins: ${form}; it is ${JSON.stringify(origin)}`);
  }
  try {
    publicHostsAnd((props.pushAllowedHosts ?? []).filter((host) => !Token.isUnresolved(host)));
  } catch (cause) {
    throw new Error(`${at}: pushAllowedHosts: ${(cause as Error).message}`, { cause });
  }
}
