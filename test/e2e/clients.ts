/** Clients of the deployed queue, over HTTP with the key from the secret and by invoking its functions. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Dumbwaiter } from '../../sdk/index.ts';
import { lambdaTransport } from '../../sdk/transports/lambda.ts';
import type { Outputs } from './deployment.ts';
import type { Account } from './emulator.ts';

export interface Clients {
  http: Dumbwaiter;
  lambda: Dumbwaiter;
  /** Clients of the functions that only publish and that only receive. */
  publishOnly: Dumbwaiter;
  receiveOnly: Dumbwaiter;
  adminKey: string;
  /** `server`: the URL of another server than the deployed API. */
  withKey(apiKey: string, server?: string): Dumbwaiter;
}

export async function createClients(account: Account, outputs: Outputs): Promise<Clients> {
  const adminKey = await secretText(account, outputs.AdminKeySecretArn);
  const client = new LambdaClient({ ...account, maxAttempts: 1 });
  const invoking = (functionName: string) => new Dumbwaiter({ transport: lambdaTransport({ functionName, client }) });
  const url = onEmulator(account, outputs.ApiUrl);
  const withKey = (apiKey: string, server = url) => new Dumbwaiter({ url: server, apiKey });
  return {
    http: withKey(adminKey),
    adminKey,
    lambda: invoking(outputs.ApiFunctionName),
    publishOnly: invoking(outputs.PublishFunctionName),
    receiveOnly: invoking(outputs.ReceiveFunctionName),
    withKey,
  };
}

export async function secretText(account: Account, SecretId: string): Promise<string> {
  const secrets = new SecretsManagerClient(account);
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  secrets.destroy();
  return SecretString;
}

/** The host name of an output may not resolve here. The emulator serves the API under this path, too. */
export function onEmulator({ endpoint }: Account, apiUrl: string): string {
  return `${endpoint}/_aws/execute-api/${apiIdOf(apiUrl)}/$default`;
}

function apiIdOf(url: string): string {
  return new URL(url).hostname.split('.')[0]!;
}
