/** `dumbwaiter-queue/aws`: reaches the queue by the environment variables that `connect` of the construct gives a program. */
import { ServiceError } from '../../aws/call-service.ts';
import { accessFromEnvironment } from '../../aws/environment.ts';
import { readSecret } from '../../aws/read-secret.ts';
import type { Transport } from '../../contract/contract.ts';
import { DumbwaiterError } from '../../contract/errors.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import { withDeadline } from '../calls/deadline.ts';
import { httpTransport } from '../transports/http.ts';

/**
 * Creates a transport for HTTP that takes its URL and API key from environment variables: `DUMBWAITER_URL`, and `DUMBWAITER_API_KEY` or else
 * `DUMBWAITER_API_KEY_SECRET`, the ARN of the key's secret in Secrets Manager. It reads the secret at the first call, with the credentials
 * of a Lambda function, and again when the queue does not know the key.
 * @throws TypeError for a variable that is missing or invalid
 */
export function environmentTransport(variables: Record<string, string | undefined> = process.env): Transport {
  const { DUMBWAITER_URL: url, DUMBWAITER_API_KEY: key, DUMBWAITER_API_KEY_SECRET: secretArn } = variables;
  if (!url) throw new TypeError('DUMBWAITER_URL is not set: connect the function in its stack, dumbwaiter.connect(fn)');
  if (key) return httpTransport({ url, apiKey: key });
  if (!secretArn) throw new TypeError('DUMBWAITER_API_KEY_SECRET is not set, nor DUMBWAITER_API_KEY');
  const access = accessFromEnvironment('secretsmanager', variables);
  let pending: Promise<Transport> | undefined;
  let current: Transport | undefined;

  async function read(): Promise<Transport> {
    try {
      const apiKey = (await readSecret(access, secretArn!)) ?? '';
      current = httpTransport({ url: url!, apiKey });
      return current;
    } catch (error) {
      pending = undefined;
      throw refusalOf(error, secretArn!);
    }
  }

  return {
    async call(operation, params, input, options = {}) {
      pending ??= read();
      const used = pending;
      const transport = await withDeadline(options, () => used);
      try {
        return await transport.call(operation, params, input, options);
      } catch (error) {
        // The key may have been replaced. The next call reads it again.
        if (error instanceof DumbwaiterError && error.code === 'unauthorized' && pending === used) pending = undefined;
        throw error;
      }
    },
    wakeAddress: (wakeUrl) => current?.wakeAddress?.(wakeUrl),
  };
}

function refusalOf(cause: unknown, secretArn: string): DumbwaiterError {
  const isRefused = cause instanceof ServiceError && cause.code !== undefined;
  const isMissing = cause instanceof Error && cause.name === 'CredentialsProviderError';
  const code = isMissing || isRefused ? 'unauthorized' : 'unavailable';
  return new DumbwaiterError(code, `The API key could not be read from ${secretArn}: ${textOfThrown(cause)}`, { cause });
}
