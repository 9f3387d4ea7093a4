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
  requestContext: { requestId: string; domainName: string; stage?: string; http: { method: string } };
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

export function requestOf(event: GatewayEvent): { request: Request; bindings: Bindings } {
  const { requestId, domainName, stage = '$default', http } = event.requestContext;
  const { method } = http;
  const query = event.rawQueryString === '' ? '' : `?${event.rawQueryString}`;
  // A stage other than the default is the first part of the path.
  const prefix = stage !== '$default' && event.rawPath.startsWith(`/${stage}/`) ? `/${stage}` : '';
  const { path, refusal } = pathOfDecoded(event.rawPath.slice(prefix.length));
  const bindings = { requestId, refusal };
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers)) {
    // `Headers` may throw for other characters. No header that this API reads contains them.
    if (value !== undefined && /^[\x20-\x7e\t]*$/.test(value)) headers.set(name, value);
  }
  if (prefix !== '') headers.set('x-forwarded-prefix', prefix);
  const url = `https://${domainName}${path}${query}`;
  if (event.body === undefined || method === 'GET' || method === 'HEAD') {
    return { request: new Request(url, { method, headers }), bindings };
  }
  const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64') : Buffer.from(event.body);
  headers.set('content-length', String(body.length));
  return { request: new Request(url, { method, headers, body }), bindings };
}

export async function answerOf(response: Response): Promise<GatewayAnswer> {
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}
