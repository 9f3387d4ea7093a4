/** Sends to a client of a WebSocket API: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html */
import { callService, ServiceError } from './call-service.ts';
import type { ServiceAccess } from './service-access.ts';
import { encodeSegment } from './signature.ts';

/** A client that waits longer for this has polled meanwhile. */
const msMax = 2_000;

/** `access`: of the API's stage. `gone`: the client is no longer connected. Rejects with ServiceError, or with the error of the connection. */
export async function postToConnection(access: ServiceAccess, connectionId: string, data: string): Promise<'sent' | 'gone'> {
  try {
    await callService(access, {
      service: 'execute-api',
      path: `/@connections/${encodeSegment(connectionId)}`,
      headers: { 'content-type': 'application/json' },
      body: data,
      msMax,
    });
    return 'sent';
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'GoneException') return 'gone';
    throw error;
  }
}
