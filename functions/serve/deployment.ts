/**
 * Opens what a deployment has: its tables, its admin key, and the functions that it may ask. Credentials and region come from the AWS SDK's
 * configuration. Nothing is created: whatever is missing is a StartFailure that says what to do.
 */
import type { ServiceName } from '../../aws/endpoints.ts';
import { accessFromEnvironment } from '../../aws/environment.ts';
import { invokeFunction } from '../../aws/invoke-function.ts';
import { readSecret } from '../../aws/read-secret.ts';
import type { ServiceAccess } from '../../aws/service-access.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import { createDynamoClient } from '../../engine/dynamo/client.ts';
import { dynamoParts } from '../../engine/dynamo/parts.ts';
import { accessFromSdk, createSdkClient, type SdkClient } from '../../engine/dynamo/sdk-client.ts';
import type { TableNames } from '../../engine/dynamo/tables.ts';
import type { Clock, Key, Store } from '../../engine/port/port.ts';
import type { StoreParts } from '../assembly.ts';
import { type AccessKeys, secretAccessKeys } from '../auth/access-keys.ts';
import { type AdminKey, fixedAdminKey, secretAdminKey } from '../auth/admin-key.ts';
import { StartFailure } from '../local/start-failure.ts';
import type { CheckFunction } from '../push/targets.ts';
import type { Invoke } from '../service/check-back.ts';

export interface DeploymentOptions {
  tables: TableNames;
  /** An admin key of the operator's choice. It counts before the secret. */
  adminKey?: string | undefined;
  /** The ARN of the secret that holds the admin key. Without it and `adminKey`, only keys that the deployment has give access. */
  adminKeySecret?: string | undefined;
  /** The ARN of the secret from which the secrets of access keys are derived. Without it, no call of SQS is accepted. */
  accessKeySecret?: string | undefined;
}

export interface Deployment {
  parts: StoreParts;
  adminKey: AdminKey;
  accessKeys?: AccessKeys;
  invoke: Invoke;
  checkFunction: CheckFunction;
  region: string;
  /** Closes the connections. */
  close(): void;
}

/** How long Lambda may take to say whether a function exists. */
const checkFunctionMsMax = 3_000;

/** Rows that do not exist. Reading them shows that a table can be read, with the permissions that the queue needs anyway. */
const probes: { [table in Key['table']]: Key } = {
  messages: { table: 'messages', shard: 'probe', id: 'probe' },
  leases: { table: 'leases', id: 'probe' },
  queues: { table: 'queues', kind: 'queue', name: 'probe' },
};

/** Throws StartFailure. */
export async function openDeployment(options: DeploymentOptions): Promise<Deployment> {
  const { tables } = options;
  const sdk = createSdkClient();
  const opened: { close(): void }[] = [{ close: () => sdk.destroy() }];
  const close = () => {
    for (const one of opened) one.close();
  };
  try {
    const region = await regionOf(sdk);
    await checkCredentials(sdk);
    const accessOf = await serviceAccess(sdk);
    const access = (service: ServiceName): ServiceAccess => {
      const found = accessOf(service);
      opened.push(found);
      return found;
    };
    const client = createDynamoClient(accessFromSdk(sdk));
    opened.push({ close: () => client.destroy() });
    const parts = dynamoParts({ client, tables, forJson: true });
    for (const table of Object.keys(probes) as Key['table'][]) await checkTable(parts.store, table, tables[table], region);
    const lambda = access('lambda');
    return {
      parts,
      ...(await openSecrets(options, (arn) => readSecret(access('secretsmanager'), arn), parts.clock)),
      invoke: (functionName, payload, signal) =>
        invokeFunction(lambda, { functionName, payload, type: 'RequestResponse', signal }),
      checkFunction: async (functionName) => {
        await invokeFunction(lambda, { functionName, payload: '', type: 'DryRun', msMax: checkFunctionMsMax });
      },
      region,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Reaches other services in the region, with the credentials and the kind of endpoint (FIPS, dual-stack) of the SDK's configuration. */
export async function serviceAccess({ config }: SdkClient): Promise<(service: ServiceName) => ServiceAccess> {
  const variables = {
    ...process.env,
    AWS_REGION: await config.region(),
    AWS_USE_FIPS_ENDPOINT: String(await config.useFipsEndpoint()),
    AWS_USE_DUALSTACK_ENDPOINT: String(await config.useDualstackEndpoint()),
  };
  return (service) => ({ ...accessFromEnvironment(service, variables), credentials: () => config.credentials() });
}

async function regionOf(sdk: SdkClient): Promise<string> {
  try {
    return await sdk.config.region();
  } catch (cause) {
    throw new StartFailure('No AWS region is configured: set AWS_REGION to the region of the tables.', { cause });
  }
}

async function checkCredentials(sdk: SdkClient): Promise<void> {
  try {
    await sdk.config.credentials();
  } catch (cause) {
    throw new StartFailure(
      `No AWS credentials were found: give this process a role, or set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (${lineOf(cause)}).`,
      { cause },
    );
  }
}

async function checkTable(store: Store, table: Key['table'], name: string, region: string): Promise<void> {
  try {
    await store.get([probes[table]]);
  } catch (cause) {
    throw new StartFailure(`${tableProblem(cause, table, name, region)} (${lineOf(cause)}).`, { cause });
  }
}

function tableProblem(error: unknown, table: Key['table'], name: string, region: string): string {
  switch ((error as Error).name) {
    case 'ResourceNotFoundException':
      return `There is no table ${name} in ${region}: deploy first, or correct DUMBWAITER_${table.toUpperCase()}_TABLE or AWS_REGION`;
    case 'ValidationException':
      return `The table ${name} does not hold the ${table} of a queue: correct DUMBWAITER_${table.toUpperCase()}_TABLE`;
    case 'AccessDeniedException':
      return `The AWS credentials do not allow reading the table ${name}: allow what the construct's grantServe allows`;
    default:
      return `The table ${name} in ${region} cannot be read: correct the AWS credentials, the region or the network`;
  }
}

async function openSecrets(
  { adminKey, adminKeySecret, accessKeySecret }: DeploymentOptions,
  read: (arn: string) => Promise<string | undefined>,
  clock: Clock,
): Promise<Pick<Deployment, 'adminKey' | 'accessKeys'>> {
  const isAdminKeyRead = adminKey === undefined && adminKeySecret !== undefined;
  if (isAdminKeyRead) await checkSecret(read, adminKeySecret, 'DUMBWAITER_ADMIN_KEY_SECRET', 'set DUMBWAITER_API_KEY');
  if (accessKeySecret !== undefined) {
    await checkSecret(read, accessKeySecret, 'DUMBWAITER_ACCESS_KEY_SECRET', 'leave it out to serve no SQS');
  }
  return {
    adminKey: isAdminKeyRead ? secretAdminKey(() => read(adminKeySecret), clock) : fixedAdminKey(adminKey),
    ...(accessKeySecret !== undefined && { accessKeys: secretAccessKeys(() => read(accessKeySecret), clock) }),
  };
}

/** Reads the secret once, so that a wrong one ends the start and not a call. */
async function checkSecret(
  read: (arn: string) => Promise<string | undefined>,
  arn: string,
  variable: string,
  instead: string,
): Promise<void> {
  try {
    if ((await read(arn)) === undefined) throw new Error('it is not text');
  } catch (cause) {
    throw new StartFailure(
      `The secret ${arn} cannot be read: correct ${variable} or the permissions, or ${instead} (${lineOf(cause)}).`,
      { cause },
    );
  }
}

function lineOf(error: unknown): string {
  return textOfThrown(error)
    .replaceAll(/\s*\n\s*/g, '; ')
    .replace(/\.$/, '');
}
