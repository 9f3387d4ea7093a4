/** How a server on a deployment's tables reaches the services beside DynamoDB. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createSdkClient } from '../../../engine/dynamo/sdk-client.ts';
import { serviceAccess } from '../../../functions/serve/deployment.ts';

const credentials = { accessKeyId: 'given', secretAccessKey: 'key' };
const profiles = `[profile fips]
region = us-east-2
use_fips_endpoint = true
[profile dual]
region = eu-west-1
use_dualstack_endpoint = true
[profile plain]
region = eu-west-1
`;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-profiles-'));
  await writeFile(join(folder, 'config'), profiles);
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  for (const name of ['AWS_REGION', 'AWS_ENDPOINT_URL', 'AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT']) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

it.each([
  ['fips', 'https://lambda-fips.us-east-2.amazonaws.com/'],
  ['dual', 'https://lambda.eu-west-1.api.aws/'],
  ['plain', 'https://lambda.eu-west-1.amazonaws.com/'],
])('Lambda is called at the kind of endpoint that the profile "%s" chooses', async (profile, url) => {
  vi.stubEnv('AWS_PROFILE', profile);
  const sdk = createSdkClient({ credentials });
  const access = (await serviceAccess(sdk))('lambda');
  expect((await access.endpoint()).url.href).toBe(url);
  expect(await access.credentials()).toMatchObject(credentials);
  access.close();
  sdk.destroy();
});
