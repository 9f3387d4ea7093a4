/** The events with which API Gateway's HTTP API calls the api function, payload format 2.0. */
import type { GatewayEvent } from '../../functions/lambda/gateway-event.ts';

export const gatewayRequestId = 'gateway-id=';

export interface GatewayRequest {
  method: string;
  /** API Gateway passes the path on decoded. */
  path: string;
  query?: string;
  body?: string;
  base64?: boolean;
  headers?: Record<string, string>;
}

export function gatewayEvent({ method, path, query = '', body, base64 = false, headers = {} }: GatewayRequest): GatewayEvent {
  return {
    version: '2.0',
    rawPath: path,
    rawQueryString: query,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    requestContext: { requestId: gatewayRequestId, domainName: 'abc.execute-api.us-east-1.amazonaws.com', http: { method } },
    ...(body === undefined ? {} : { body: base64 ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded: base64,
  };
}
