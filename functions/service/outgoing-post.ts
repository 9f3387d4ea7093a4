/** Sends POST requests to URLs that users configured, signed as Standard Webhooks specifies: https://www.standardwebhooks.com */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface OutgoingPost {
  url: string;
  /** JSON text. */
  payload: string;
  /** Stays the same if the same question is sent again. */
  id: string;
  /** All of them sign: the recipient needs to know only one. */
  secrets: readonly string[];
  signal: AbortSignal;
  answerBytesMax: number;
}

/** Returns the body of a 2xx response. Rejects for every other status, redirects included: only the configured URL is ever called. */
export type Poster = (post: OutgoingPost) => Promise<string>;

/**
 * `allowsPrivate` is for a local server, whose user may call services on the same network. Otherwise only public addresses are called.
 * Each resolved address is checked when the connection to it is made, so neither unusual address notation nor DNS can bypass the check.
 */
export function createPoster({ allowsPrivate }: { allowsPrivate: boolean }): Poster {
  return async ({ url, payload, id, secrets, signal, answerBytesMax }) => {
    // Loaded on demand: most deployments never send anything.
    const [{ useAgent }, { Webhook }] = await Promise.all([import('request-filtering-agent'), import('standardwebhooks')]);
    const at = new Date();
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      'webhook-id': id,
      'webhook-timestamp': Math.floor(at.getTime() / 1000),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, payload)).join(' '),
    };
    const agent = useAgent(url, { allowPrivateIPAddress: allowsPrivate, allowMetaIPAddress: allowsPrivate });
    const request = new URL(url).protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise<string>((resolve, reject) => {
      const sent = request(url, { method: 'POST', headers, agent, signal }, (response) => {
        const { statusCode = 0 } = response;
        if (statusCode < 200 || statusCode >= 300) {
          response.destroy();
          reject(new Error(`HTTP ${statusCode}`));
          return;
        }
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.byteLength;
          if (bytes > answerBytesMax) response.destroy(new Error(`the answer has more than ${answerBytesMax} bytes`));
        });
        response.once('end', () => resolve(Buffer.concat(chunks).toString()));
        response.once('error', reject);
      });
      sent.once('error', reject);
      sent.end(payload);
    });
  };
}
