import { describe, expect, it } from 'vitest';
import { accessFromEnvironment } from '../../../aws/environment.ts';

const lambda = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'token' };

async function urlOf(variables: NodeJS.ProcessEnv): Promise<string> {
  const access = accessFromEnvironment('dynamodb', { ...lambda, ...variables });
  const { url } = await access.endpoint();
  access.close();
  return url.href;
}

describe('access from the environment', () => {
  it.each<[NodeJS.ProcessEnv, string]>([
    [{}, 'https://dynamodb.eu-west-1.amazonaws.com/'],
    [{ AWS_REGION: '', AWS_DEFAULT_REGION: 'cn-north-1' }, 'https://dynamodb.cn-north-1.amazonaws.com.cn/'],
    [{ AWS_USE_FIPS_ENDPOINT: 'true' }, 'https://dynamodb-fips.eu-west-1.amazonaws.com/'],
    [{ AWS_USE_DUALSTACK_ENDPOINT: 'TRUE' }, 'https://dynamodb.eu-west-1.api.aws/'],
    [{ AWS_ENDPOINT_URL: 'http://localhost:4566' }, 'http://localhost:4566/'],
    [{ AWS_ENDPOINT_URL: 'http://a', AWS_ENDPOINT_URL_DYNAMODB: 'http://b:1/path' }, 'http://b:1/path'],
    [{ AWS_ENDPOINT_URL: 'http://a', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, 'https://dynamodb.eu-west-1.amazonaws.com/'],
  ])('a function with %o calls %s', async (variables, url) => {
    expect(await urlOf(variables)).toBe(url);
  });

  it('credentials are read again for each call, with their session token', async () => {
    const variables = { ...lambda };
    const access = accessFromEnvironment('dynamodb', variables);
    expect(await access.credentials()).toEqual({ accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'token' });
    variables.AWS_SESSION_TOKEN = 'another';
    expect(await access.credentials()).toMatchObject({ sessionToken: 'another' });
  });

  it.each([
    [{ AWS_REGION: '' }, 'Region is missing'],
    [{ AWS_ENDPOINT_URL: 'localhost' }, 'Invalid URL'],
  ])('a function with %o reports: %s', async (variables, message) => {
    await expect(urlOf(variables)).rejects.toThrow(message);
  });

  it('missing credentials are reported by the error name of the AWS SDK', async () => {
    const access = accessFromEnvironment('dynamodb', { ...lambda, AWS_SECRET_ACCESS_KEY: '' });
    await expect(access.credentials()).rejects.toMatchObject({ name: 'CredentialsProviderError' });
  });
});
