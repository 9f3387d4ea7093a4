/** A context that names a stack on AWS, against a real server that speaks the two calls of AWS. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/command-line.ts';
import { type HttpListener, listen } from '../support/http-listener.ts';
import { adminKey, type LocalQueue, startLocalQueue } from '../support/local-queue.ts';

const secretArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:AdminKey&more';
let queue: LocalQueue;
let aws: HttpListener;
let folder: string;
/** The stacks of the account, by name: their outputs. */
let stacks: Record<string, Record<string, string>>;
let status: string;
let called: string[];

beforeAll(async () => {
  queue = await startLocalQueue();
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-stack-'));
  stacks = {
    Queues: { ApiUrl: queue.server.url, Region: 'eu-central-1', AdminKeySecretArn: secretArn },
    Two: { OneApiUrl: 'http://127.0.0.1:9', OtherApiUrl: queue.server.url, OtherAdminKeySecretArn: secretArn },
    Website: { BucketName: 'site' },
  };
  status = 'UPDATE_COMPLETE';
  called = [];
  aws = await listen(async (request, response) => {
    const body = await text(request);
    const { authorization = '' } = request.headers;
    called.push(/Credential=[^,]*/.exec(authorization)![0]);
    if (authorization.includes('AKIADENIED')) {
      response.writeHead(403).end('<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>');
      return;
    }
    if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
      expect(JSON.parse(body)).toEqual({ SecretId: secretArn });
      response.end(JSON.stringify({ SecretString: adminKey }));
      return;
    }
    const asked = new URLSearchParams(body);
    expect(asked.get('Action')).toBe('DescribeStacks');
    const outputs = stacks[asked.get('StackName')!];
    if (outputs) response.end(describedStack(outputs));
    else response.writeHead(400).end('<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>');
  });
});
afterAll(async () => {
  await Promise.all([queue.server.close(), aws.close(), rm(folder, { recursive: true })]);
  expect(queue.defects).toEqual([]);
});

/** As CloudFormation answers. */
function describedStack(outputs: Record<string, string>): string {
  const escaped = (value: string) => value.replaceAll('&', '&amp;');
  const members = Object.entries(outputs).map(
    ([key, value]) => `
          <member>
            <OutputKey>${key}</OutputKey>
            <OutputValue>${escaped(value)}</OutputValue>
            <Description>of the queue</Description>
          </member>`,
  );
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
  <DescribeStacksResult>
    <Stacks>
      <member>
        <StackName>Queues</StackName>
        <Tags><member><Key>team</Key><Value>a</Value></member></Tags>
        <StackStatus>${status}</StackStatus>
        <Outputs>${members.join('')}
        </Outputs>
      </member>
    </Stacks>
  </DescribeStacksResult>
</DescribeStacksResponse>`;
}

function run(args: string[], variables: NodeJS.ProcessEnv = {}) {
  return runCommand(args, {
    HOME: folder,
    DUMBWAITER_CONFIG: join(folder, 'contexts.json'),
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...variables,
  });
}

it('a context of a stack reads the URL and the key at each use, and keeps no secret in its file', async () => {
  expect(await run(['context', 'add', 'production', '--stack', 'Queues'])).toMatchObject({
    code: 0,
    out: `Commands use production (${queue.server.url}) from now on.`,
  });
  const file = await readFile(join(folder, 'contexts.json'), 'utf8');
  expect(JSON.parse(file)).toEqual({ current: 'production', deployments: { production: { stack: 'Queues' } } });
  await queue.http.call('createQueue', { queue: 'orders' }, {});
  called = [];
  expect(await run(['queues'])).toMatchObject({ code: 0, out: expect.stringContaining('orders') });
  expect(called.map((credential) => credential.split('/').at(-2))).toEqual(['cloudformation', 'secretsmanager']);
  expect(called[0]).toMatch(/^Credential=AKIATEST\/\d+\/eu-central-1\//);
  expect((await run(['context', 'list'])).out).toMatch(/\*\s+production\s+Queues/);
});

it('a context of a stack keeps its region, its construct, and with --keep-key the key', async () => {
  await run(['context', 'add', 'there', '--stack', 'Two', '--construct', 'Other', '--region', 'us-west-2']);
  called = [];
  expect((await run(['queues', '--context', 'there'])).code).toBe(0);
  expect(called[0]).toContain('/us-west-2/');
  await run(['context', 'add', 'kept', '--stack', 'Queues', '--keep-key']);
  called = [];
  expect((await run(['queues', '--context', 'kept'])).code).toBe(0);
  expect(called).toEqual([]);
});

it('doctor fails if the last deployment of the stack did', async () => {
  await run(['context', 'add', 'production', '--stack', 'Queues']);
  expect((await run(['doctor'])).out).toMatch(/^ok\s+stack\s+UPDATE_COMPLETE$/m);
  status = 'UPDATE_ROLLBACK_COMPLETE';
  expect(await run(['doctor'])).toMatchObject({ code: 1, out: expect.stringMatching(/^fail\s+stack\s+UPDATE_ROLLBACK/m) });
});

it.each([
  ['there is no such stack', ['--stack', 'None'], {}, 'There is no stack None'],
  ['it is the stack of something else', ['--stack', 'Website'], {}, 'is it that of a Dumbwaiter?'],
  ['it has several queues', ['--stack', 'Two'], {}, 'Choose one by --construct: One, Other.'],
  ['AWS refuses', ['--stack', 'Queues'], { AWS_ACCESS_KEY_ID: 'AKIADENIED' }, 'cloudformation:DescribeStacks'],
  [
    'there are no credentials',
    ['--stack', 'Queues', '--profile', 'nobody'],
    { AWS_ACCESS_KEY_ID: undefined },
    'No AWS credentials were found',
  ],
  ['there is no region', ['--stack', 'Queues'], { AWS_REGION: undefined }, 'No AWS region is configured'],
])('adding a context of a stack fails with one line if %s', async (_, options, variables, message) => {
  const { code, err } = await run(['context', 'add', 'wrong', ...options], variables);
  expect([code, err.split('\n').length]).toEqual([1, 1]);
  expect(err).toContain(message);
  expect((await run(['context', 'list'])).out).not.toContain('wrong');
});
