/** The names of the construct's props. A program in JavaScript may misspell one, which would be ignored. */
import { checkNames, type Names } from '../contract/names.ts';
import type { DumbwaiterProps } from './dumbwaiter-props.ts';

const names: Names<DumbwaiterProps> = {
  queues: true,
  schedules: true,
  topics: true,
  push: true,
  pushAllowedHosts: true,
  tables: true,
  tableCapacity: true,
  tracing: true,
  console: true,
  environment: true,
  removalPolicy: true,
  deletionProtection: true,
  encryptionKey: true,
  logRetention: true,
  alarmTopic: true,
  oldestAgeAlarm: true,
  monitoring: true,
  memorySize: true,
  throttle: true,
  allowedOrigins: true,
  domainName: true,
  disableExecuteApiEndpoint: true,
  outputs: true,
  receiveConcurrency: true,
  wakeUps: true,
  sqs: true,
  sqsConcurrency: true,
  reserveSweepConcurrency: true,
};

/** Throws TypeError for an unknown prop, and names the nearest one. */
export function checkPropNames(at: string, props: DumbwaiterProps): void {
  checkNames(at, props, names);
}
