/**
 * The AWS SDK's client. It creates tables and commits callers' own transactions. It also finds the endpoint and the credentials: from
 * profiles, single sign-on, roles, containers or the environment. The store's own calls take these from it and go without it.
 */
import http from 'node:http';
import https from 'node:https';
import { DynamoDBClient, type DynamoDBClientConfig, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { type Endpoint, type ServiceAccess, socketsMax } from '../../aws/service-access.ts';

const connectionMsMax = 1_000;
const requestMsMax = 5_000;
const attemptsMax = 4;

/** The type of the SDK's client, for modules outside this folder. */
export type SdkClient = DynamoDBClient;

export type SdkClientOptions = Pick<DynamoDBClientConfig, 'endpoint' | 'region' | 'credentials'>;

/** Creates a client that keeps its connections open and times out on a silent one. */
export function createSdkClient(options: SdkClientOptions & Pick<DynamoDBClientConfig, 'profile'> = {}): DynamoDBClient {
  return new DynamoDBClient({
    ...options,
    maxAttempts: attemptsMax,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: connectionMsMax,
      requestTimeout: requestMsMax,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: socketsMax },
      httpsAgent: { keepAlive: true, maxSockets: socketsMax },
    },
  });
}

/** The endpoint, credentials and connections of a client of the SDK. Destroying the client closes the connections. */
export function accessFromSdk(client: DynamoDBClient): ServiceAccess {
  let endpoint: Promise<Endpoint> | undefined;
  let ownAgent: http.Agent | undefined;

  async function resolveEndpoint(): Promise<Endpoint> {
    const { url, region } = await prepareRequest(client);
    const agent = (await agentOf(client, url)) ?? ownAgent ?? newAgent(url);
    return { url, region, agent };
  }

  function newAgent({ protocol }: URL): http.Agent {
    const { Agent } = protocol === 'https:' ? https : http;
    ownAgent = new Agent({ keepAlive: true, maxSockets: socketsMax });
    return ownAgent;
  }

  return {
    endpoint() {
      endpoint ??= resolveEndpoint().catch((error: unknown) => {
        endpoint = undefined;
        throw error;
      });
      return endpoint;
    },
    credentials: () => client.config.credentials(),
    close: () => ownAgent?.destroy(),
  };
}

interface PreparedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  headers: Record<string, string>;
}

/**
 * Lets the SDK make and sign a request, and reads from it where it would go. Only the SDK as a whole knows that: profiles,
 * variables, account endpoints and the rules of each partition decide it.
 */
async function prepareRequest(client: DynamoDBClient): Promise<{ url: URL; region: string }> {
  const command = new ListTablesCommand({});
  let prepared: PreparedRequest | undefined;
  command.middlewareStack.add(
    () => async (args) => {
      prepared = args.request as PreparedRequest;
      return { response: {}, output: { $metadata: {} } };
    },
    // Last before sending, after signing.
    { name: 'dumbwaiterPrepare', step: 'finalizeRequest', priority: 'low' },
  );
  // With options the SDK does not keep the middleware for later commands.
  await client.send(command, {});
  const { protocol, hostname, port, path, headers } = prepared!;
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
  return {
    url,
    region: /Credential=[^/]*\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? (await client.config.region()),
  };
}

/** The agent of the client's request handler: it may be the caller's own, such as one that goes through a proxy. */
async function agentOf({ config: { requestHandler } }: DynamoDBClient, { protocol }: URL): Promise<http.Agent | undefined> {
  // The handler creates its agents with its first request, even one that is aborted before it is sent.
  const request = { protocol, hostname: 'localhost', method: 'POST', path: '/', headers: {} };
  await requestHandler.handle(request as never, { abortSignal: AbortSignal.abort() }).catch(() => undefined);
  const { httpHandlerConfigs: configs } = requestHandler as {
    httpHandlerConfigs?: () => { httpAgent?: unknown; httpsAgent?: unknown };
  };
  const { httpAgent, httpsAgent } = configs?.call(requestHandler) ?? {};
  const agent = protocol === 'https:' ? httpsAgent : httpAgent;
  return agent instanceof http.Agent ? agent : undefined;
}
