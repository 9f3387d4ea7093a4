/**
 * The address of a service in a region. test/unit/aws/endpoints.test.ts holds it to the rules of the AWS SDK.
 * https://docs.aws.amazon.com/general/latest/gr/rande.html
 */

export type ServiceName = 'dynamodb' | 'lambda' | 'secretsmanager' | 'cloudformation';

export interface EndpointKind {
  fips: boolean;
  dualStack: boolean;
}

/** Names of regions, and the domains of their partition. */
const partitions: readonly { regions: RegExp; domain: string; dualStack: string }[] = [
  { regions: /^cn-/, domain: 'amazonaws.com.cn', dualStack: 'api.amazonwebservices.com.cn' },
  { regions: /^eusc-/, domain: 'amazonaws.eu', dualStack: 'api.amazonwebservices.eu' },
  { regions: /^us-iso-/, domain: 'c2s.ic.gov', dualStack: 'api.aws.ic.gov' },
  { regions: /^us-isob-/, domain: 'sc2s.sgov.gov', dualStack: 'api.aws.scloud' },
  { regions: /^eu-isoe-/, domain: 'cloud.adc-e.uk', dualStack: 'api.cloud-aws.adc-e.uk' },
  { regions: /^us-isof-/, domain: 'csp.hci.ic.gov', dualStack: 'api.aws.hci.ic.gov' },
  { regions: /./, domain: 'amazonaws.com', dualStack: 'api.aws' },
];

export function endpointUrl(service: ServiceName, region: string, { fips, dualStack }: EndpointKind): string {
  const partition = partitions.find(({ regions }) => regions.test(region))!;
  // The ordinary endpoints of these services in GovCloud are FIPS endpoints, and have no others.
  const isFipsAnyway = (service === 'dynamodb' || service === 'cloudformation') && region.startsWith('us-gov-') && !dualStack;
  const isDualStackAnyway = service === 'secretsmanager' && partition.domain.startsWith('amazonaws.com');
  const name = fips && !isFipsAnyway ? `${service}-fips` : service;
  return `https://${name}.${region}.${dualStack && !isDualStackAnyway ? partition.dualStack : partition.domain}`;
}
