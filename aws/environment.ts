/**
 * Reaches AWS services as Lambda's environment variables say. A function then needs no part of the AWS SDK, which takes longer
 * to load than all of its own code.
 * https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
 */
import http from 'node:http';
import https from 'node:https';
import { endpointUrl, type ServiceName } from './endpoints.ts';
import { type Credentials, type Endpoint, type ServiceAccess, socketsMax } from './service-access.ts';

/** The suffix of the variable that replaces one service's endpoint. */
const variableSuffixes: Record<ServiceName, string> = {
  dynamodb: 'DYNAMODB',
  lambda: 'LAMBDA',
  secretsmanager: 'SECRETS_MANAGER',
  cloudformation: 'CLOUDFORMATION',
};

export function accessFromEnvironment(service: ServiceName, variables: NodeJS.ProcessEnv = process.env): ServiceAccess {
  return accessTo((region) => customEndpoint(service, variables) ?? endpointUrl(service, region, kindOf(variables)), variables);
}

/** Access to the stage of a WebSocket API, to send to its clients. Only the variable for this service replaces its URL. */
export function accessToSocketApi(stageUrl: string, variables: NodeJS.ProcessEnv = process.env): ServiceAccess {
  return accessTo(() => variables.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI || stageUrl, variables);
}

function accessTo(urlIn: (region: string) => string, variables: NodeJS.ProcessEnv): ServiceAccess {
  let endpoint: Endpoint | undefined;

  function resolveEndpoint(): Endpoint {
    const region = variables.AWS_REGION || variables.AWS_DEFAULT_REGION;
    if (!region) throw new Error('Region is missing: set AWS_REGION.');
    const url = new URL(urlIn(region));
    const { Agent } = url.protocol === 'https:' ? https : http;
    return { url, region, agent: new Agent({ keepAlive: true, maxSockets: socketsMax }) };
  }

  return {
    async endpoint() {
      endpoint ??= resolveEndpoint();
      return endpoint;
    },
    credentials: async () => credentialsOf(variables),
    close: () => endpoint?.agent.destroy(),
  };
}

class CredentialsMissing extends Error {
  // The name that the AWS SDK gives this error.
  override readonly name = 'CredentialsProviderError';
}

function credentialsOf(variables: NodeJS.ProcessEnv): Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = variables;
  if (!accessKeyId || !secretAccessKey) {
    throw new CredentialsMissing('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set. Lambda sets them for a function.');
  }
  return { accessKeyId, secretAccessKey, sessionToken: AWS_SESSION_TOKEN || undefined };
}

function customEndpoint(service: ServiceName, variables: NodeJS.ProcessEnv): string | undefined {
  if (isTrue(variables.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS)) return undefined;
  return variables[`AWS_ENDPOINT_URL_${variableSuffixes[service]}`] || variables.AWS_ENDPOINT_URL || undefined;
}

function kindOf(variables: NodeJS.ProcessEnv) {
  return { fips: isTrue(variables.AWS_USE_FIPS_ENDPOINT), dualStack: isTrue(variables.AWS_USE_DUALSTACK_ENDPOINT) };
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}
