/** Where calls go, held to what the AWS SDK's own rules say. */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { endpointUrl, type ServiceName } from '../../../aws/endpoints.ts';

const regions = [
  'us-east-1',
  'eu-central-1',
  'ap-southeast-5',
  'il-central-1',
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-west-1',
  'us-gov-east-1',
  'eusc-de-east-1',
  'us-iso-east-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-south-1',
  'mars-north-1',
];
const kinds = [false, true].flatMap((fips) => [false, true].map((dualStack) => ({ fips, dualStack })));

interface Rules {
  config: { endpointProvider?: (parameters: never) => { url: URL } };
}

const clients: Record<ServiceName, Rules> = {
  dynamodb: new DynamoDBClient({ region: 'x' }),
  lambda: new LambdaClient({ region: 'x' }),
  cloudformation: new CloudFormationClient({ region: 'x' }),
  secretsmanager: new SecretsManagerClient({ region: 'x' }),
};

describe.each(Object.keys(clients) as ServiceName[])('the endpoint of %s', (service) => {
  it.each(kinds)('a service has the endpoint of the AWS SDK in every partition, with %o', (kind) => {
    const { endpointProvider } = clients[service].config;
    const parameters = (Region: string) => ({ Region, UseFIPS: kind.fips, UseDualStack: kind.dualStack }) as never;
    // China has no FIPS endpoints.
    const meant = regions.filter((region) => !(kind.fips && region.startsWith('cn-')));
    expect(meant.length).toBeGreaterThan(0);
    const ours = meant.map((region) => `${endpointUrl(service, region, kind)}/`);
    expect(ours).toEqual(meant.map((region) => endpointProvider!(parameters(region)).url.href));
  });
});
