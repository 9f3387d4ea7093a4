/** What the queue's calls take from a client of the AWS SDK: endpoint, region, credentials and agents, however they were configured. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, type DynamoDBClientConfig, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accessFromEnvironment } from '../../aws/environment.ts';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { accessFromSdk, createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import { createDynamoStore } from '../../engine/dynamo/store.ts';
import { startTestDynamodb, testCredentials, testRegion } from '../support/dynamodb.ts';

const keys = { AWS_ACCESS_KEY_ID: 'of-the-environment', AWS_SECRET_ACCESS_KEY: 'secret' };
const credentials = { accessKeyId: 'given', secretAccessKey: 'secret' };
const profiles = `[default]
region = eu-west-3
[profile work]
region = ap-south-1
aws_access_key_id = of-the-profile
aws_secret_access_key = secret
aws_session_token = token
[profile local]
region = eu-west-1
services = local
[services local]
dynamodb =
  endpoint_url = http://localhost:8123
[profile fips]
region = us-east-2
use_fips_endpoint = true
[profile process]
region = us-east-1
credential_process = echo '{"Version":1,"AccessKeyId":"of-a-process","SecretAccessKey":"s","SessionToken":"t"}'
`;

let folder: string;
const environment = { ...process.env };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-aws-'));
  const config = join(folder, 'config');
  await writeFile(config, profiles);
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, { AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') });
  process.env.AWS_EC2_METADATA_DISABLED = 'true';
});
afterEach(async () => {
  process.env = { ...environment };
  await rm(folder, { recursive: true });
});

interface Case {
  says: string;
  variables?: Record<string, string>;
  config?: DynamoDBClientConfig;
  url: string;
  region: string;
  keyId: string;
}

const cases: Case[] = [
  {
    says: 'variables',
    variables: { ...keys, AWS_REGION: 'eu-west-1' },
    url: 'https://dynamodb.eu-west-1.amazonaws.com/',
    region: 'eu-west-1',
    keyId: keys.AWS_ACCESS_KEY_ID,
  },
  {
    says: 'the default profile’s region',
    variables: keys,
    url: 'https://dynamodb.eu-west-3.amazonaws.com/',
    region: 'eu-west-3',
    keyId: keys.AWS_ACCESS_KEY_ID,
  },
  {
    says: 'a profile',
    variables: { AWS_PROFILE: 'work' },
    url: 'https://dynamodb.ap-south-1.amazonaws.com/',
    region: 'ap-south-1',
    keyId: 'of-the-profile',
  },
  {
    says: 'a profile’s endpoint',
    variables: { ...keys, AWS_PROFILE: 'local' },
    config: { credentials },
    url: 'http://localhost:8123/',
    region: 'eu-west-1',
    keyId: 'given',
  },
  {
    says: 'a profile’s FIPS endpoint',
    variables: { AWS_PROFILE: 'fips' },
    config: { credentials },
    url: 'https://dynamodb-fips.us-east-2.amazonaws.com/',
    region: 'us-east-2',
    keyId: 'given',
  },
  {
    says: 'a process',
    variables: { AWS_PROFILE: 'process' },
    url: 'https://dynamodb.us-east-1.amazonaws.com/',
    region: 'us-east-1',
    keyId: 'of-a-process',
  },
  {
    says: 'the variable of an endpoint',
    variables: { ...keys, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1/path' },
    url: 'http://127.0.0.1:1/path/',
    region: 'eu-west-1',
    keyId: keys.AWS_ACCESS_KEY_ID,
  },
  {
    says: 'options',
    variables: { ...keys, AWS_REGION: 'eu-west-1' },
    config: { region: 'cn-north-1', credentials },
    url: 'https://dynamodb.cn-north-1.amazonaws.com.cn/',
    region: 'cn-north-1',
    keyId: 'given',
  },
  {
    says: 'dual-stack',
    config: { region: 'eu-west-1', credentials, useDualstackEndpoint: true },
    url: 'https://dynamodb.eu-west-1.api.aws/',
    region: 'eu-west-1',
    keyId: 'given',
  },
  {
    says: 'an account’s endpoint',
    config: { region: 'eu-west-1', credentials: { ...credentials, accountId: '123456789012' } },
    url: 'https://123456789012.ddb.eu-west-1.amazonaws.com/',
    region: 'eu-west-1',
    keyId: 'given',
  },
  {
    says: 'an IPv6 endpoint',
    config: { region: 'eu-west-1', credentials, endpoint: 'http://[::1]:8000' },
    url: 'http://[::1]:8000/',
    region: 'eu-west-1',
    keyId: 'given',
  },
];

describe('access from a client of the AWS SDK', () => {
  it.each(cases)('calls go to the endpoint and use the credentials of $says', async ({
    variables = {},
    config = {},
    url,
    region,
    keyId,
  }) => {
    Object.assign(process.env, variables);
    const sdk = new DynamoDBClient(config);
    const access = accessFromSdk(sdk);
    const endpoint = await access.endpoint();
    expect({ url: endpoint.url.href, region: endpoint.region }).toEqual({ url, region });
    expect(await access.credentials()).toMatchObject({ accessKeyId: keyId });
    sdk.destroy();
  });

  it.each([
    {},
    { AWS_USE_FIPS_ENDPOINT: 'true' },
    { AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    { AWS_ENDPOINT_URL: 'http://localhost:4566' },
    { AWS_ENDPOINT_URL_DYNAMODB: 'http://localhost:4567', AWS_ENDPOINT_URL: 'http://localhost:4566' },
    { AWS_ENDPOINT_URL: 'http://localhost:4566', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
  ])('the SDK and a function read the same from the environment: %o', async (variables) => {
    Object.assign(process.env, keys, { AWS_REGION: 'eu-central-1', AWS_SESSION_TOKEN: 'token' }, variables);
    const sdk = createSdkClient();
    const accesses = [accessFromSdk(sdk), accessFromEnvironment('dynamodb')];
    const [bySdk, byEnvironment] = await Promise.all(
      accesses.map(async (access) => {
        const { url, region } = await access.endpoint();
        const { accessKeyId, secretAccessKey, sessionToken } = await access.credentials();
        return { url: url.href, region, accessKeyId, secretAccessKey, sessionToken };
      }),
    );
    expect(byEnvironment).toEqual(bySdk);
    sdk.destroy();
  });

  it('a missing region is reported', async () => {
    process.env.AWS_CONFIG_FILE = join(folder, 'missing');
    const sdk = createSdkClient({ credentials });
    const access = accessFromSdk(sdk);
    await expect(access.endpoint()).rejects.toThrow('Region is missing');
    sdk.destroy();
  });

  it('calls go through the HTTP agent of the SDK client, whose own calls still work', async () => {
    const dynamodb = await startTestDynamodb();
    let connections = 0;
    class CountingAgent extends Agent {
      override createConnection(...given: Parameters<Agent['createConnection']>): ReturnType<Agent['createConnection']> {
        connections++;
        return super.createConnection(...given);
      }
    }
    const httpAgent = new CountingAgent({ keepAlive: true });
    const place = { endpoint: dynamodb.endpoint, region: testRegion, credentials: testCredentials };
    const sdk = new DynamoDBClient({ ...place, cacheMiddleware: true, requestHandler: { httpAgent } });
    const store = createDynamoStore({ client: createDynamoClient(accessFromSdk(sdk)), tables: dynamodb.tables });
    const key = { table: 'leases', id: 'x' } as const;
    await store.write({ key, then: { put: { id: 'x' } } });
    expect(await store.get([key])).toEqual([{ id: 'x' }]);
    expect(connections).toBe(1);
    expect((await sdk.send(new ListTablesCommand({}))).TableNames).toContain(dynamodb.tables.leases);
    sdk.destroy();
    await dynamodb.stop();
  });
});
