/**
 * Converts an event of an API Gateway HTTP API (payload format 2.0) to a `Request`, and a `Response` to the answer:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import type { Bindings } from '../http/app.ts';
import { pathOfDecoded } from '../http/request-path.ts';

export interface GatewayEvent {
  version: '2.0';
  rawPath: string;
  rawQueryString: string;
  headers: Record<string, string | undefined>;
  requestContext: { requestId: string; domainName: string; http: { method: string } };
  body?: string;
  isBase64Encoded: boolean;
}

export interface GatewayAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

export function isGatewayEvent(event: unknown): event is GatewayEvent {
  return typeof event === 'object' && event !== null && 'version' in event && event.version === '2.0' && 'rawPath' in event;
}

export function requestOf(event: GatewayEvent): Request {
  const { method } = event.requestContext.http;
  const query = event.rawQueryString === '' ? '' : `?${event.rawQueryString}`;
  const { path } = pathOfDecoded(event.rawPath);
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) {
    // `Headers` may throw for other characters. No header that this API reads contains them.
    if (value !== undefined && /^[\x20-\x7e\t]*$/.test(value)) headers.set(name, value);
  }
  const url = `https://${event.requestContext.domainName}${path}${query}`;
  if (event.body === undefined || method === 'GET' || method === 'HEAD') return new Request(url, { method, headers });
  const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64') : Buffer.from(event.body);
  headers.set('content-length', String(body.length));
  return new Request(url, { method, headers, body });
}

export function bindingsOf(event: GatewayEvent): Bindings {
  return { requestId: event.requestContext.requestId, refusal: pathOfDecoded(event.rawPath).refusal };
}

export async function answerOf(response: Response): Promise<GatewayAnswer> {
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}
