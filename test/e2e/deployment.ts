/** The CDK's command line against the emulated account: bootstrap, deploy, destroy. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QueueSettings, ScheduleInput } from '../../contract/contract.ts';
import type { Account } from './emulator.ts';

const root = join(import.meta.dirname, '..', '..');
/** Outputs of `infra/app.ts`. */
export interface Outputs {
  ApiUrl: string;
  AdminKeySecretArn: string;
  ApiFunctionName: string;
  PublishFunctionName: string;
  ReceiveFunctionName: string;
  MessagesTableName: string;
  LeasesTableName: string;
  QueuesTableName: string;
  /** Of deployments that serve the console. */
  ConsoleUrl: string;
  DeclareQueuesFunctionName: string;
  DeclareQueuesRoleArn: string;
  /** Of `importing-app.ts`. */
  KeySecretArn: string;
  /** Of deployments that serve SQS. */
  SqsEndpointUrl: string;
  AccessKeySecretArn: string;
}

type Queues = Record<string, Partial<QueueSettings>>;
type Schedules = Record<string, ScheduleInput>;

export interface Deployment {
  /** Deploys so that everything can be removed, and serves SQS and the console. */
  deploy(queues: Queues, schedules?: Schedules): Promise<Outputs>;
  /** Deploys with the app's defaults: stored data outlives the stack. */
  deployLasting(queues: Queues, schedules?: Schedules): Promise<Outputs>;
  /** Deploys with these context values, and no others. */
  deployWith(context: Record<string, string>): Promise<Outputs>;
  destroy(): Promise<void>;
  /** Removes what was written to disk. */
  clean(): Promise<void>;
}

/** `app`: the command of a CDK app other than that of `cdk.json`. */
export async function createDeployment(account: Account, { stack, app }: { stack: string; app?: string }): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-e2e-'));
  const assembly = join(folder, 'cdk.out');
  const cdk = (...parameters: string[]) => runCdk(account, parameters);
  async function deployWith(values: Record<string, string>): Promise<Outputs> {
    const outputs = join(folder, 'outputs.json');
    const context = Object.entries({ stack, ...values }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const from = app === undefined ? [] : ['--app', app];
    const more = ['--output', assembly, '--require-approval', 'never', '--outputs-file', outputs];
    await cdk('deploy', ...from, ...context, ...more);
    return JSON.parse(await readFile(outputs, 'utf8'))[stack];
  }
  const deploy = (queues: Queues, schedules: Schedules, more: Record<string, string>) =>
    deployWith({ queues: JSON.stringify(queues), schedules: JSON.stringify(schedules), ...more });
  return {
    deployWith,
    deploy: (queues, schedules = {}) =>
      deploy(queues, schedules, { removable: 'true', sqs: 'true', console: 'true', environment: 'end-to-end' }),
    deployLasting: (queues, schedules = {}) => deploy(queues, schedules, {}),
    async destroy() {
      await cdk('destroy', '--app', assembly, '--force');
    },
    async clean() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Prepares the account for deployments, once. */
export async function bootstrap(account: Account): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-e2e-'));
  const template = join(folder, 'bootstrap.json');
  try {
    await writeFile(template, withoutTlsPolicy(await runCdk(account, ['bootstrap', '--show-template', '--json'])));
    await runCdk(account, ['bootstrap', 'aws://000000000000/us-east-1', '--template', template]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The bucket for assets refuses requests without TLS, which the emulator does not speak. */
function withoutTlsPolicy(template: string): string {
  const { Resources, ...rest } = JSON.parse(template);
  const { StagingBucketPolicy, ...others } = Resources;
  if (StagingBucketPolicy === undefined) throw new Error('The bootstrap template has no StagingBucketPolicy any more.');
  return JSON.stringify({ ...rest, Resources: others });
}

function variablesOf({ endpoint, region, credentials }: Account): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

/** Resolves with the text printed to stdout. */
function runCdk(account: Account, parameters: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules', '.bin', 'cdk'), [...parameters, '--ci', '--no-notices'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...variablesOf(account), CDK_DISABLE_CLI_TELEMETRY: 'true' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`cdk ${parameters.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`));
    });
  });
}
