/** The emulator's API at the root of a server, as API Gateway has it: clients of SQS sign the path that they send, and the host. */
import { request as send } from 'node:http';
import { pipeline } from 'node:stream';
import { type HttpListener, listen } from '../support/http-listener.ts';

export function startApiAtRoot(apiUrl: string): Promise<HttpListener> {
  return listen((request, response) => {
    const { method, headers, url } = request;
    const passed = send(`${apiUrl}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      pipeline(answer, response, () => {});
    });
    passed.on('error', () => response.destroy());
    pipeline(request, passed, () => {});
  });
}
