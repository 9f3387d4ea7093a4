/** A local server in memory with its SQS face open, the AWS SDK's client for it, and requests without a client. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type LocalServer, startLocal } from '../../functions/local/server.ts';
import { adminKey, type HttpCalls, httpCalls, loggedDefects } from './local-queue.ts';

export interface LocalSqs {
  server: LocalServer;
  sqs: SQSClient;
  http: HttpCalls;
  /** The errors that were logged. Tests assert that there are none. */
  defects: string[];
  close(): Promise<void>;
}

/**
 * `signed`: calls need a signature with the server's first access key, which `sqs` does not have. Default: any will do. `dynamodb`: on the
 * embedded DynamoDB engine. Default: on SQLite.
 */
export async function startLocalSqs({ signed = false, dynamodb = false } = {}): Promise<LocalSqs> {
  const { log, defects } = loggedDefects();
  const server = await startLocal({ data: 'memory', dynamodb, log, adminKey, sqsAnonymous: !signed });
  const sqs = sqsClient(server.url);
  return {
    server,
    sqs,
    defects,
    http: httpCalls(server.url, adminKey),
    async close() {
      sqs.destroy();
      await server.close();
    },
  };
}

/** The variables that `npm start` prints for programs that use SQS. */
export function sqsEnvironment({ url, firstAccessKey }: LocalServer): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_SQS: url,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: firstAccessKey!.accessKeyId,
    AWS_SECRET_ACCESS_KEY: firstAccessKey!.secretAccessKey,
  };
}

/** A server for all tests of a file, which must log no defect. Returns it while tests run. */
export function sqsForTests(options: Parameters<typeof startLocalSqs>[0] = {}): () => LocalSqs {
  let local: LocalSqs;
  beforeAll(async () => {
    local = await startLocalSqs(options);
  });
  afterAll(async () => {
    expect(local.defects).toEqual([]);
    await local.close();
  });
  return () => local;
}

/** Runs a suite on SQLite and on DynamoDB. */
export function sqsOnEachStore(suite: (local: () => LocalSqs) => void): void {
  describe('on SQLite', () => suite(sqsForTests()));
  describe('on DynamoDB', () => suite(sqsForTests({ dynamodb: true })));
}

/** One attempt for each call, so that a test sees every error. */
export function sqsClient(endpoint: string): SQSClient {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  return new SQSClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 });
}

/** A call of the Query protocol by POST. Returns the status and the XML. */
export async function query(url: string, parameters: Record<string, string>): Promise<{ status: number; xml: string }> {
  const body = new URLSearchParams({ Version: '2012-11-05', ...parameters });
  const response = await fetch(url, { method: 'POST', body });
  return { status: response.status, xml: await response.text() };
}

/** A call of the JSON protocol. */
export async function json(
  url: string,
  action: string,
  input: unknown,
): Promise<{ status: number; headers: Headers; output: { [name: string]: unknown; __type?: string } }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}` },
    body: typeof input === 'string' ? input : JSON.stringify(input),
  });
  return { status: response.status, headers: response.headers, output: (await response.json()) as { [name: string]: unknown } };
}

/** The texts of an element in XML, in order, without their escapes of markup. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, text]) => unescaped(text!));
}

function unescaped(text: string): string {
  const characters: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', '#xD': '\r' };
  return text.replace(/&(#xD|[a-z]+);/g, (_, name: string) => characters[name]!);
}
