/** Reads the outputs of a stack, and a secret that they name, with the credentials that the AWS SDK finds. */
import { type DescribedStack, describeStack } from '../../aws/describe-stack.ts';
import { readSecret } from '../../aws/read-secret.ts';
import { createSdkClient } from '../../engine/dynamo/sdk-client.ts';
import { serviceAccess } from './deployment.ts';

export interface StackWithSecret extends DescribedStack {
  /** Undefined if it is not text. */
  secret: string | undefined;
}

/** `secretOf`: the ARN of the secret, by the outputs. Rejects with ServiceError, with the SDK's error, or with that of `secretOf`. */
export async function readStack(
  stack: string,
  account: { profile?: string; region?: string },
  secretOf: (outputs: DescribedStack['outputs']) => string,
): Promise<StackWithSecret> {
  const sdk = createSdkClient(account);
  try {
    const accessOf = await serviceAccess(sdk);
    const [cloudformation, secrets] = [accessOf('cloudformation'), accessOf('secretsmanager')];
    try {
      const described = await describeStack(cloudformation, stack);
      return { ...described, secret: await readSecret(secrets, secretOf(described.outputs)) };
    } finally {
      cloudformation.close();
      secrets.close();
    }
  } finally {
    sdk.destroy();
  }
}
