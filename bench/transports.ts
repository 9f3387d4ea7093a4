/** The transports that `throughput.ts` measures: calls in process, and calls over HTTP to a local server in a child process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Json } from '../contract/contract.ts';
import type { Engine } from '../engine/engine.ts';
import type { Places, StoreName } from './stores.ts';
import type { Transport } from './throughput.ts';

export function inProcess(engine: Engine): Transport {
  return {
    async createQueue(queue) {
      await engine.call('createQueue', { queue }, {});
    },
    async publish(queue, bodies) {
      allOk((await engine.call('publish', { queue }, { messages: bodies.map((body) => ({ body: body as Json })) })).results);
    },
    async receive(queue, max) {
      return (await engine.call('receive', { queue }, { max })).messages.map(({ receipt }) => receipt);
    },
    async ack(queue, receipts) {
      allOk((await engine.call('ack', { queue }, { receipts })).results);
    },
  };
}

export interface HttpTransport extends Transport {
  /** CPU time that the server has used, in ms. */
  cpuMs(): Promise<number>;
  close(): Promise<void>;
}

export async function overHttp(store: StoreName, { endpoint, folder }: Places): Promise<HttpTransport> {
  const key = crypto.randomUUID();
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), [store, endpoint, folder, key]);
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];

  async function send(method: string, path: string, input: object): Promise<object> {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/queues/${path}`, { method, headers, body: JSON.stringify(input) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as object;
  }

  return {
    async cpuMs() {
      child.send('cpu');
      return ((await once(child, 'message')) as [number])[0];
    },
    async createQueue(queue) {
      await send('PUT', queue, {});
    },
    async publish(queue, bodies) {
      const answer = await send('POST', `${queue}/publish`, { messages: bodies.map((body) => ({ body })) });
      allOk((answer as { results: { ok: boolean }[] }).results);
    },
    async receive(queue, max) {
      const answer = await send('POST', `${queue}/receive`, { max });
      return (answer as { messages: { receipt: string }[] }).messages.map(({ receipt }) => receipt);
    },
    async ack(queue, receipts) {
      allOk(((await send('POST', `${queue}/ack`, { receipts })) as { results: { ok: boolean }[] }).results);
    },
    async close() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

function allOk(results: readonly { ok: boolean }[]): void {
  if (results.some(({ ok }) => !ok)) throw new Error('an entry was refused');
}
