/** Answers what Node rejects before there is a request: too slow, too large, or not HTTP. The answer is problem+json, as for all errors. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';

/** Converts the error of a server's `clientError` event: https://nodejs.org/api/http.html#event-clienterror */
export function refusalOfClientError({ code, message }: NodeJS.ErrnoException): DumbwaiterError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new DumbwaiterError('request_timeout', 'The request did not arrive completely in time.');
    case 'HPE_HEADER_OVERFLOW':
      return new DumbwaiterError('headers_too_large', 'The headers of the request are larger than the server allows (16 KiB).');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new DumbwaiterError(
        'payload_too_large',
        'The chunk extensions of the request are larger than the server allows (16 KiB).',
      );
    default:
      return invalidInput(`The request is not HTTP: ${message}`);
  }
}

/** Writes a response to a connection that has no request, and closes the connection. */
export async function answerSocket(socket: Socket, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const headers = [...response.headers, ['content-length', body.length], ['connection', 'close']];
  const head = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status]}`, ...headers.map((header) => header.join(': '))];
  if (socket.writable) socket.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
  else socket.destroy();
}

/** Whether a response on this connection has already started: anything written now would become part of it. */
export function isBeingAnswered(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: { headersSent: boolean } | null };
  return answer?.headersSent === true;
}
