/** What the functions of a deployment are made with. */
import type { RemovalPolicy } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ApiConsole } from './console.ts';
import type { GeneratedSecret } from './generated-secret.ts';
import type { Tables } from './tables.ts';

export interface FunctionsProps {
  tables: Tables;
  adminKey: GeneratedSecret;
  memorySize: number;
  logRetention: RetentionDays;
  removalPolicy: RemovalPolicy;
  reserveSweepConcurrency: boolean;
  receiveConcurrency: number | undefined;
  tracing: boolean;
  declaresSchedules: boolean;
  pushAllowedHosts: readonly string[];
  console: ApiConsole;
}
