/** POSTs to URLs that users named, signed by the scheme of Standard Webhooks: https://www.standardwebhooks.com */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface OutgoingPost {
  url: string;
  /** JSON. */
  payload: string;
  /** The same for the same question, should it be sent twice. */
  id: string;
  /** All sign: what verifies knows one of them. */
  secrets: readonly string[];
  signal: AbortSignal;
  answerBytesMax: number;
}

/** Answers the body of a 2xx. Rejects for everything else, a redirect included: what was named is called, and nothing that it points to. */
export type Poster = (post: OutgoingPost) => Promise<string>;

/**
 * `allowsPrivate` is for a local server, whose user may name what runs beside it. Otherwise only public addresses are called. Each address that
 * a name resolves to is judged as the connection is made to it, so that neither the notation of an address nor DNS leads past the check.
 */
export function createPoster({ allowsPrivate }: { allowsPrivate: boolean }): Poster {
  return async ({ url, payload, id, secrets, signal, answerBytesMax }) => {
    // Loaded here: most deployments never send anything.
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
