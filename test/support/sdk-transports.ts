/** The transports over which the SDK reaches a whole queue here: tests of the SDK run over each. */
import { expect } from 'vitest';
import { directTransport } from '../../direct/transport.ts';
import { Dumbwaiter } from '../../sdk/index.ts';
import { startTestDynamodb, testCredentials, testRegion } from './dynamodb.ts';
import { adminKey, startLocalQueue } from './local-queue.ts';

export interface StartedClient {
  client: Dumbwaiter;
  stop(): Promise<void>;
}

async function overHttp(): Promise<StartedClient> {
  const local = await startLocalQueue();
  const stop = async () => {
    await local.server.close();
    expect(local.defects).toEqual([]);
  };
  return { client: new Dumbwaiter({ url: local.server.url, apiKey: adminKey }), stop };
}

async function inProcess(): Promise<StartedClient> {
  const { endpoint, tables, stop } = await startTestDynamodb();
  const transport = directTransport({ endpoint, tables, region: testRegion, credentials: testCredentials });
  return { client: new Dumbwaiter({ transport }), stop: () => transport.close().then(stop) };
}

export const sdkTransports = [
  { name: 'HTTP', start: overHttp },
  { name: 'the direct transport', start: inProcess },
];
