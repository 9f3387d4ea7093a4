/**
 * Lambda entry: wakes idle consumers. API Gateway calls it for a listen on a WebSocket, which it stores. The streams of `messages` and
 * `leases` call it with their records, and it tells connections that listen for those queues.
 */
import { accessToSocketApi } from '../../aws/environment.ts';
import { postToConnection } from '../../aws/post-to-connection.ts';
import { defined } from '../../contract/defined.ts';
import type { WakeNotice } from '../../contract/wake.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { refusalOf } from '../errors/refusal.ts';
import { acceptListen, readRequest, stillCounts } from '../wake/listen.ts';
import { tellEnds, type WakeParts, wakeListeners } from '../wake/wake-listeners.ts';
import type { LambdaContext } from './context.ts';
import { createEnvironment } from './environment.ts';
import { endsIn, type StreamRecord, wakesIn } from './stream-records.ts';

/** A message of a client: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html */
interface SocketEvent {
  requestContext: { connectionId: string; requestId: string };
  body?: string;
}

const { engine, keys, listeners, adminKey, clock, log } = createEnvironment('dumbwaiter-wake');
const authenticate = createAuthenticate({ keys, adminKey });
const connections = accessToSocketApi(process.env.DUMBWAITER_WAKE_ENDPOINT!);
const post: WakeParts['post'] = (connection, notice) => postToConnection(connections, connection, JSON.stringify(notice));

export async function handler(
  event: SocketEvent | { Records: StreamRecord[] },
  context: LambdaContext,
): Promise<{ statusCode: number } | undefined> {
  log.begin(context);
  if ('Records' in event) {
    await Promise.all([...wakesIn(event.Records, clock.now()).map(wake), tell(endsIn(event.Records))]);
    return undefined;
  }
  // Sent as wake-ups are: the answer of a route would need a resource of its own.
  await post(event.requestContext.connectionId, await listen(event));
  return { statusCode: 200 };
}

async function listen({ requestContext: { connectionId, requestId }, body = '' }: SocketEvent): Promise<WakeNotice> {
  let queue = '';
  let of: { id?: string } = {};
  try {
    const request = readRequest(body);
    // API Gateway answers this one by itself.
    if (request.action === 'keep') return { listening: '' };
    queue = request.queue;
    of = defined({ id: request.id });
    const listening = await acceptListen({ engine, authenticate, clock }, request);
    await listeners.put(connectionId, listening);
    log.info('Listens', { requestId, queue, principal: listening.principal.id });
    return { listening: queue, ...of, ...(listening.dueInMs !== undefined && { dueInMs: listening.dueInMs }) };
  } catch (error) {
    const { code, message } = refusalOf(error, requestId, log, { queue });
    log.info('Refused', { requestId, queue, code });
    return { refused: queue, ...of, code, message };
  }
}

const parts: WakeParts = { rows: listeners, post, stillCounts: (by) => stillCounts(keys, by) };

/** A caller that is not told reads the result at its deadline. */
async function tell(ends: ReturnType<typeof endsIn>): Promise<void> {
  try {
    const told = await tellEnds(parts, ends);
    if (told > 0) log.info('Told of ends', { listeners: told });
  } catch (error) {
    log.error('Not told of ends', { kind: 'defect' }, error);
  }
}

/** A consumer that is not told polls within two minutes, so a failure is logged and not repeated. */
async function wake(ready: ReturnType<typeof wakesIn>[number]): Promise<void> {
  try {
    const told = await wakeListeners(parts, ready);
    if (told > 0) log.info('Woken', { incarnation: ready.incarnation, listeners: told, inMs: ready.inMs });
  } catch (error) {
    log.error('Not woken', { kind: 'defect', incarnation: ready.incarnation }, error);
  }
}
