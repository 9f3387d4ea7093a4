/** Reads a secret: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */
import { callService } from './call-service.ts';
import type { ServiceAccess } from './service-access.ts';

/** Undefined if the secret is not text. */
export async function readSecret(access: ServiceAccess, secretArn: string): Promise<string | undefined> {
  const { body } = await callService(access, {
    service: 'secretsmanager',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'secretsmanager.GetSecretValue' },
    body: JSON.stringify({ SecretId: secretArn }),
  });
  return (JSON.parse(body.toString()) as { SecretString?: string }).SecretString;
}
