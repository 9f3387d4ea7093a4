/** Sends POST requests to URLs that users configured, signed as Standard Webhooks specifies: https://www.standardwebhooks.com */
import { type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HostRule } from '../../contract/host-rule.ts';

export interface OutgoingPost {
  url: string;
  /** Text, because a signature is over text. */
  payload: string;
  /** More headers, and `content-type` if it is not JSON. */
  headers?: Readonly<Record<string, string>>;
  /** Stays the same if the same question or message is sent again. */
  id: string;
  /** All of them sign: the recipient needs to know only one. */
  secrets: readonly string[];
  signal: AbortSignal;
  /** A longer body of a 2xx answer is an error. 0: no body is read. */
  answerBytesMax: number;
}

export interface PostAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Empty unless the status is 2xx. */
  body: string;
}

/** Rejects if there is no answer. Follows no redirects: only the configured URL is ever called. */
export type Poster = (post: OutgoingPost) => Promise<PostAnswer>;

export function isSuccess({ status }: Pick<PostAnswer, 'status'>): boolean {
  return status >= 200 && status < 300;
}

/**
 * Each resolved address is checked when the connection to it is made, so neither unusual address notation nor DNS can bypass the check.
 */
export function createPoster({ allowsPrivate }: HostRule): Poster {
  return async ({ url, payload, headers: more, id, secrets, signal, answerBytesMax }) => {
    // Loaded on demand: most deployments never send anything.
    const { useAgent, Webhook } = await import('./post-packages.ts');
    const at = new Date();
    const headers = {
      'content-type': 'application/json',
      ...more,
      'content-length': Buffer.byteLength(payload),
      'webhook-id': id,
      'webhook-timestamp': Math.floor(at.getTime() / 1000),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, payload)).join(' '),
    };
    const { protocol, hostname, href } = new URL(url);
    const isAllowed = allowsPrivate(hostname);
    const agent = useAgent(href, { allowPrivateIPAddress: isAllowed, allowMetaIPAddress: isAllowed });
    const request = protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise<PostAnswer>((resolve, reject) => {
      let isAnswered = false;
      const sent = request(url, { method: 'POST', headers, agent, signal }, (response) => {
        isAnswered = true;
        const { statusCode: status = 0 } = response;
        const answered = (body: string) => resolve({ status, headers: response.headers, body });
        if (!isSuccess({ status }) || answerBytesMax === 0) {
          response.once('error', () => undefined);
          response.destroy();
          answered('');
          return;
        }
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.byteLength;
          if (bytes > answerBytesMax) response.destroy(new Error(`the answer has more than ${answerBytesMax} bytes`));
        });
        response.once('end', () => answered(Buffer.concat(chunks).toString()));
        response.once('error', reject);
      });
      sent.once('error', reject);
      // Node closes the connection without an error if the answer switches to another protocol.
      sent.once('close', () => isAnswered || reject(new Error('the connection ended without an answer')));
      sent.end(payload);
    });
  };
}
