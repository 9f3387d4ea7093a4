/** The HTTP transport: the default one, for every host that has `fetch`. */
import type { OperationName, ParamsOf, Transport } from '../../contract/contract.ts';
import { DumbwaiterError, invalidInput } from '../../contract/errors.ts';
import { readAnswer } from '../../contract/json-text.ts';
import { stringify } from '../../contract/json-values.ts';
import { checkNames, type Names } from '../../contract/names.ts';
import { isPathName, type PathParameter, pathNameForm } from '../../contract/path-names.ts';
import { type Address, addresses } from '../../contract/routes.ts';
import { textOfThrown } from '../../contract/thrown.ts';
import { withDeadline } from '../calls/deadline.ts';
import { refusalOf } from './problem.ts';

export interface HttpTransportOptions {
  /** The URL of the deployment, without `/v1`: `https://abc123.execute-api.eu-central-1.amazonaws.com`. */
  url: string;
  /** The API key, sent as `Authorization: Bearer <key>`. */
  apiKey?: string;
  /** Replaces the host's `fetch`. */
  fetch?: typeof fetch;
}

export const httpNames: Names<HttpTransportOptions> = { url: true, apiKey: true, fetch: true };

/**
 * Calls the queue over HTTP. Needs only `fetch`.
 * @throws TypeError for an unknown option, a `url` that is not http or https, or an `apiKey` with characters that no key has
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  checkNames('httpTransport', options, httpNames);
  const base = baseOf(options.url);
  const headers = headersOf(options.apiKey);
  // Called as a plain function: a browser's fetch throws with another `this`.
  const send = options.fetch ?? ((input, init) => fetch(input, init));
  return {
    async call(operation, params, input, { signal, timeoutMs, texts } = {}) {
      const route = addresses[operation];
      const request = requestOf(base, route, params, input, headers);
      return withDeadline({ signal, timeoutMs }, async (ending) => {
        const { response, text } = await exchange(send, request, ending);
        if (!response.ok) throw refusalOf(response, text);
        try {
          return texts ? readAnswer(text) : JSON.parse(text);
        } catch (cause) {
          throw new DumbwaiterError('internal', `The answer of ${base} is not JSON. Is this the URL of a Dumbwaiter?`, { cause });
        }
      });
    },
    wakeAddress: (wakeUrl) => wakeAddressOf(base, wakeUrl, options.apiKey),
  };
}

/** Undefined without a key, and for a URL to which it would travel unencrypted although calls do not. */
function wakeAddressOf(base: string, wakeUrl: string, key: string | undefined): { url: string; key: string } | undefined {
  const url = (wakeUrl.startsWith('/') ? base + wakeUrl : wakeUrl).replace(/^http/i, 'ws');
  const isAsSafe = /^wss:/i.test(url) || (/^ws:/i.test(url) && !/^https:/i.test(base));
  return key !== undefined && isAsSafe ? { url, key } : undefined;
}

const valueCharsShown = 60;

interface Outgoing {
  url: string;
  init: RequestInit;
}

async function exchange(send: typeof fetch, { url, init }: Outgoing, signal: AbortSignal) {
  try {
    const response = await send(url, { ...init, signal });
    return { response, text: await response.text() };
  } catch (cause) {
    const why = textOfThrown((cause as Error | undefined)?.cause ?? cause);
    throw new DumbwaiterError('unavailable', `No answer from ${new URL(url).origin}: ${why}`, { cause });
  }
}

function requestOf<Name extends OperationName>(
  base: string,
  route: Address,
  params: ParamsOf<Name>,
  input: object,
  headers: Record<string, string>,
): Outgoing {
  const given: Record<string, unknown> = { ...params };
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: PathParameter) => {
    const value = given[name];
    // API Gateway decodes the path before the queue sees it, so an invalid name could become the path of another operation.
    if (!isPathName(name, value)) throw invalidInput(`${name}: ${pathNameForm(name)}, was ${shown(value)}`);
    return encodeURIComponent(value);
  });
  // A redirected POST would arrive as a GET, without its key.
  const init: RequestInit = { method: route.method, headers, redirect: 'manual' };
  if (route.method === 'GET' || route.method === 'DELETE') {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(input))
      for (const one of [value].flat()) if (one !== undefined) query.append(name, String(one));
    return { url: `${base}${path}${query.size > 0 ? `?${query}` : ''}`, init };
  }
  init.body = stringify(input) as string;
  init.headers = { ...headers, 'content-type': 'application/json' };
  return { url: `${base}${path}`, init };
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, valueCharsShown)) : typeof value;
}

function baseOf(url: string): string {
  const parsed = /^https?:/i.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed) throw new TypeError(`url is ${JSON.stringify(url)}, and must be an http or https URL`);
  return parsed.origin + parsed.pathname.replace(/\/+$/, '');
}

function headersOf(apiKey: string | undefined): Record<string, string> {
  const accept = 'application/json, application/problem+json';
  if (apiKey === undefined) return { accept };
  if (apiKey === '') throw new TypeError('apiKey is empty');
  // fetch would refuse the key later, with an error message that contains it.
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    throw new TypeError('apiKey holds a character that no key has, perhaps a line break at its end');
  return { accept, authorization: `Bearer ${apiKey}` };
}
