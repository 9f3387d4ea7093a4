/**
 * The construct of the packed package in the apps that `cdk init app --language typescript` makes, with their own Jest: on the oldest supported
 * CDK, which compiles to CommonJS by ts-jest, and on the newest.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packPackage, runProgram } from '../support/packed-package.ts';

const root = join(import.meta.dirname, '..', '..');
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8'));

/** What `cdk init` of 2.178.0 wrote. */
const oldestFiles = {
  'jest.config.js': `module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\\\.tsx?$': 'ts-jest' }
};`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      target: 'ES2020',
      module: 'commonjs',
      lib: ['es2020', 'dom'],
      declaration: true,
      strict: true,
      noImplicitReturns: true,
      inlineSourceMap: true,
      inlineSources: true,
      experimentalDecorators: true,
      strictPropertyInitialization: false,
      typeRoots: ['./node_modules/@types'],
    },
    exclude: ['node_modules', 'cdk.out'],
  }),
};

const stack = `
import * as cdk from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { Dumbwaiter } from 'dumbwaiter-queue/cdk';

export class AppStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);
    const dumbwaiter = new Dumbwaiter(this, 'Queue', { queues: { orders: {} }, push: true, wakeUps: true, sqs: true, tracing: true });
    const assumedBy = new cdk.aws_iam.ServicePrincipal('ecs-tasks.amazonaws.com');
    dumbwaiter.queue('orders').grantPublish(new cdk.aws_iam.Role(this, 'Role', { assumedBy }));
  }
}`;

const stackTest = `
import { writeFileSync } from 'node:fs';
import * as cdk from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AppStack } from '../lib/app-stack';

test('the stack declares its queue', () => {
  const template = Template.fromStack(new AppStack(new cdk.App(), 'TestStack'));
  template.hasResourceProperties('Custom::DumbwaiterQueues', { queuesJson: '{"orders":{}}' });
  writeFileSync('template.json', JSON.stringify(template.toJSON()));
});`;

type Age = 'oldest' | 'newest';
const ages: Age[] = ['oldest', 'newest'];

let work: string;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dumbwaiter-cdk-apps-'));
  const { tarball } = await packPackage(work);
  for (const age of ages) {
    const tools = join(root, 'tools', `cdk-${age}`);
    await install(tools);
    await runProgram(
      'npm',
      ['install', '--no-save', '--offline', '--no-audit', '--no-fund', '--strict-peer-deps', tarball],
      tools,
    );
    const app = appOf(age);
    mkdirSync(app);
    if (age === 'newest') await initApp(app);
    else for (const [name, text] of Object.entries(oldestFiles)) writeFileSync(join(app, name), text);
    symlinkSync(join(tools, 'node_modules'), join(app, 'node_modules'));
    for (const [folder, name, text] of [
      ['lib', 'app-stack.ts', stack],
      ['test', 'app.test.ts', stackTest],
    ] as const) {
      rmSync(join(app, folder), { recursive: true, force: true });
      mkdirSync(join(app, folder));
      writeFileSync(join(app, folder, name), text);
    }
    rmSync(join(app, 'bin'), { recursive: true, force: true });
  }
}, 900_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

const appOf = (age: Age) => join(work, `app-${age}`);

/** Installs what the lockfile says, unless that is there. */
async function install(tools: string): Promise<void> {
  const wanted = createHash('sha256')
    .update(readFileSync(join(tools, 'package-lock.json')))
    .digest('hex');
  const stamp = join(tools, 'node_modules', '.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  await runProgram('npm', ['ci', '--no-audit', '--no-fund'], tools);
  writeFileSync(stamp, wanted);
}

/** The app that the project's own CDK makes. */
async function initApp(app: string): Promise<void> {
  const init = ['init', 'app', '--language', 'typescript', '--generate-only'];
  await runProgram(join(root, 'node_modules', '.bin', 'cdk'), init, app, { CDK_DISABLE_CLI_TELEMETRY: 'true' });
}

const runIn = (age: Age, program: string, ...args: string[]) =>
  runProgram(process.execPath, [join(appOf(age), 'node_modules', program), ...args], appOf(age), { NODE_OPTIONS: '' });

test('the peer dependencies begin with the versions of the oldest app, and the newest app has those of this project', () => {
  const { peerDependencies, devDependencies } = json('package.json');
  for (const name of ['aws-cdk-lib', 'constructs']) {
    expect(peerDependencies[name]).toBe(`^${json('tools/cdk-oldest/package.json').dependencies[name]}`);
    expect(devDependencies[name]).toBe(json('tools/cdk-newest/package.json').dependencies[name]);
  }
});

test('the newest app is what cdk init makes, with the same tools', () => {
  const made = JSON.parse(readFileSync(join(appOf('newest'), 'package.json'), 'utf8'));
  const { 'aws-cdk': _, tsx: __, ...tools } = made.devDependencies;
  expect(json('tools/cdk-newest/package.json').devDependencies).toEqual(tools);
});

describe.each(ages)('an app on the %s supported CDK', (age) => {
  test('the app tests its stack with Jest as cdk init configures it, without flags', async () => {
    await runIn(age, 'jest/bin/jest.js');
    expect(existsSync(join(appOf(age), 'template.json'))).toBe(true);
  });

  test('the app compiles, with the types of the package', async () => {
    await runIn(age, 'typescript/bin/tsc', '-p', '.', '--noEmit');
  });
});

type Resources = Record<string, { Type: string; Properties: { DashboardBody?: { 'Fn::Join': [string, (string | object)[]] } } }>;

/** The text of a dashboard becomes JSON: versions of CDK differ in the order of its fields. */
function withDashboards(resources: Resources): object {
  const textOf = (part: string | object) => (typeof part === 'string' ? part : Object.values(part).flat().join('.'));
  const entries = Object.entries(resources).map(([id, resource]) => {
    const body = resource.Properties?.DashboardBody;
    return [id, body ? { ...resource, Properties: JSON.parse(body['Fn::Join'][1].map(textOf).join('')) } : resource];
  });
  return Object.fromEntries(entries);
}

test('the oldest and the newest supported CDK synthesize the same resources', () => {
  const [oldest, newest] = ages.map((age) =>
    withDashboards(JSON.parse(readFileSync(join(appOf(age), 'template.json'), 'utf8')).Resources),
  ) as [object, object];
  expect(Object.keys(oldest).length).toBeGreaterThan(100);
  expect(oldest).toEqual(newest);
});
