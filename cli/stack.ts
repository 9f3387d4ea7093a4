/** A deployment on AWS, by its stack: the URL is an output, and the admin key is in the secret that another output names. */
import { ServiceError } from '../aws/call-service.ts';
import type { DescribedStack } from '../aws/describe-stack.ts';
import { CommandFailure } from './failure.ts';

export interface StackPlace {
  stack: string;
  /** The id of the construct, for a stack that has several. */
  construct?: string;
  /** Default: what the environment says, as for every AWS program. */
  profile?: string;
  region?: string;
}

export interface StackDeployment {
  url: string;
  apiKey: string;
  /** Such as `UPDATE_COMPLETE`. */
  stackStatus: string;
}

/** Reads the outputs and the secret. Throws CommandFailure. */
export async function deploymentOfStack(place: StackPlace): Promise<StackDeployment> {
  // The AWS SDK finds credentials of every kind. It takes longer to load than everything else.
  const [{ createSdkClient }, { serviceAccess }, { describeStack }, { readSecret }] = await Promise.all([
    import('../engine/dynamo/sdk-client.ts'),
    import('../functions/serve/deployment.ts'),
    import('../aws/describe-stack.ts'),
    import('../aws/read-secret.ts'),
  ]);
  const { stack, profile, region } = place;
  const sdk = createSdkClient({ ...(profile !== undefined && { profile }), ...(region !== undefined && { region }) });
  try {
    const accessOf = await serviceAccess(sdk);
    const [cloudformation, secrets] = [accessOf('cloudformation'), accessOf('secretsmanager')];
    try {
      const described = await describeStack(cloudformation, stack);
      const { url, secretArn } = outputsOf(described, place);
      const apiKey = await readSecret(secrets, secretArn);
      if (apiKey === undefined) throw new CommandFailure(`The secret ${secretArn} is not text.`);
      return { url, apiKey, stackStatus: described.status };
    } finally {
      cloudformation.close();
      secrets.close();
    }
  } catch (error) {
    throw error instanceof CommandFailure ? error : failureOf(error as Error, place);
  } finally {
    sdk.destroy();
  }
}

function outputsOf({ outputs }: DescribedStack, { stack, construct }: StackPlace): { url: string; secretArn: string } {
  const found = [...outputs.keys()].filter((name) => name.endsWith('ApiUrl')).map((name) => name.slice(0, -'ApiUrl'.length));
  const prefix = construct ?? (found.includes('') ? '' : found[0]);
  if (construct === undefined && found.length > 1 && !found.includes('')) {
    throw new CommandFailure(`The stack ${stack} has several queues. Choose one by --construct: ${found.join(', ')}.`);
  }
  const [url, secretArn] = [outputs.get(`${prefix}ApiUrl`), outputs.get(`${prefix}AdminKeySecretArn`)];
  if (url !== undefined && secretArn !== undefined) return { url, secretArn };
  throw new CommandFailure(`The stack ${stack} has no outputs ApiUrl and AdminKeySecretArn: is it that of a Dumbwaiter?`);
}

function failureOf(error: Error, { stack, profile }: StackPlace): CommandFailure {
  const { name, message } = error;
  const line = message.replaceAll(/\s+/g, ' ');
  if (name === 'CredentialsProviderError' || name === 'ProviderError') {
    return new CommandFailure(
      `No AWS credentials were found: name a profile by --profile, or sign in by "aws sso login"${profile ? ` --profile ${profile}` : ''} (${line}).`,
    );
  }
  if (/region/i.test(message) && !(error instanceof ServiceError)) {
    return new CommandFailure('No AWS region is configured: give --region, or set AWS_REGION.');
  }
  if (error instanceof ServiceError && error.code === 'ValidationError') {
    return new CommandFailure(`There is no stack ${stack} in this account and region.`);
  }
  if (error instanceof ServiceError && /^AccessDenied/.test(error.code ?? '')) {
    return new CommandFailure(
      `The AWS credentials may not read the stack or its secret: they need cloudformation:DescribeStacks and secretsmanager:GetSecretValue.`,
    );
  }
  return new CommandFailure(`The stack ${stack} cannot be read: ${line}`);
}
