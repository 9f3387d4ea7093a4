/** An HTTP server that calls a Lambda handler for each request, as API Gateway's HTTP API does. */
import { buffer } from 'node:stream/consumers';
import type { LambdaContext } from '../../functions/lambda/context.ts';
import type { GatewayAnswer, GatewayEvent } from '../../functions/lambda/gateway-event.ts';
import { gatewayRequestId } from './gateway-event.ts';
import { type HttpListener, listen } from './http-listener.ts';

/** The types of bodies that API Gateway passes on as text. All others are base64. */
const isText = /^(text\/|application\/(json|xml|javascript)\b)/;

export function startGateway(
  handler: (event: GatewayEvent, context: LambdaContext) => Promise<GatewayAnswer>,
  context: LambdaContext,
): Promise<HttpListener> {
  return listen(async (request, response) => {
    const bytes = await buffer(request);
    const { method = '', headers, url = '' } = request;
    const [path = '', query = ''] = url.split('?');
    const isBase64Encoded = !isText.test(headers['content-type'] ?? '');
    const {
      statusCode,
      headers: answered,
      body,
    } = await handler(
      {
        version: '2.0',
        rawPath: decodeURIComponent(path),
        rawQueryString: query,
        headers: headers as Record<string, string>,
        requestContext: { requestId: gatewayRequestId, domainName: headers.host ?? '', http: { method } },
        ...(bytes.length > 0 && { body: bytes.toString(isBase64Encoded ? 'base64' : 'utf8') }),
        isBase64Encoded,
      },
      context,
    );
    response.writeHead(statusCode, answered).end(body);
  });
}
