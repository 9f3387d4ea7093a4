/** A deployment on AWS, by its stack: the URL is an output, and the admin key is in the secret that another output names. */
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
  const { readStack } = await import('../functions/serve/read-stack.ts');
  const { stack, profile, region } = place;
  const account = { ...(profile !== undefined && { profile }), ...(region !== undefined && { region }) };
  try {
    const read = await readStack(stack, account, (outputs) => outputsOf(outputs, place).secretArn);
    const { url, secretArn } = outputsOf(read.outputs, place);
    if (read.secret === undefined) throw new CommandFailure(`The secret ${secretArn} is not text.`);
    return { url, apiKey: read.secret, stackStatus: read.status };
  } catch (error) {
    throw error instanceof CommandFailure ? error : failureOf(error as Error & { code?: string }, place);
  }
}

function outputsOf(outputs: ReadonlyMap<string, string>, { stack, construct }: StackPlace): { url: string; secretArn: string } {
  const found = [...outputs.keys()].filter((name) => name.endsWith('ApiUrl')).map((name) => name.slice(0, -'ApiUrl'.length));
  const prefix = construct ?? (found.includes('') ? '' : found[0]);
  if (construct === undefined && found.length > 1 && !found.includes('')) {
    throw new CommandFailure(`The stack ${stack} has several queues. Choose one by --construct: ${found.join(', ')}.`);
  }
  const [url, secretArn] = [outputs.get(`${prefix}ApiUrl`), outputs.get(`${prefix}AdminKeySecretArn`)];
  if (url !== undefined && secretArn !== undefined) return { url, secretArn };
  throw new CommandFailure(`The stack ${stack} has no outputs ApiUrl and AdminKeySecretArn: is it that of a Dumbwaiter?`);
}

/** By its name: in the package, what reads the stack is a bundle of its own. */
function failureOf(error: Error & { code?: string }, { stack, profile }: StackPlace): CommandFailure {
  const { name, message, code = '' } = error;
  const isOfService = name === 'ServiceError';
  const line = message.replaceAll(/\s+/g, ' ');
  if (name === 'CredentialsProviderError' || name === 'ProviderError') {
    const signIn = `aws sso login${profile ? ` --profile ${profile}` : ''}`;
    return new CommandFailure(`No AWS credentials were found: name a profile by --profile, or sign in by "${signIn}" (${line}).`);
  }
  if (!isOfService && /region/i.test(message)) {
    return new CommandFailure('No AWS region is configured: give --region, or set AWS_REGION.');
  }
  if (isOfService && code === 'ValidationError') {
    return new CommandFailure(`There is no stack ${stack} in this account and region.`);
  }
  if (isOfService && code.startsWith('AccessDenied')) {
    return new CommandFailure(
      'The AWS credentials may not read the stack or its secret: they need cloudformation:DescribeStacks and secretsmanager:GetSecretValue.',
    );
  }
  return new CommandFailure(`The stack ${stack} cannot be read: ${line}`);
}
