/** A receiver of pushed messages: a real HTTP server that records each request and answers as the test says. */
import { text as textOf } from 'node:stream/consumers';
import { eventually } from './eventually.ts';
import { listen } from './http-listener.ts';

export interface Pushed {
  method: string;
  path: string;
  headers: Record<string, string>;
  text: string;
}

export interface PushAnswer {
  status?: number;
  headers?: Record<string, string>;
  text?: string;
}

export interface PushReceiver {
  url: string;
  /** The requests so far, in the order of their arrival. */
  requests: Pushed[];
  /** How many requests waited for their answer at the same time, at most. */
  mostAtOnce(): number;
  /** Decides the answer; one that never resolves keeps the request waiting. Default: 200. */
  answer: (request: Pushed, count: number) => PushAnswer | Promise<PushAnswer>;
  /** Waits until there are this many requests, and returns them. */
  received(count: number): Promise<Pushed[]>;
  close(): Promise<void>;
}

export async function startPushReceiver(): Promise<PushReceiver> {
  let atOnce = 0;
  let most = 0;
  const requests: Pushed[] = [];
  const server = await listen(async (request, response) => {
    const { method, url, headers } = request;
    const pushed = { method: method!, path: url!, headers: headers as Record<string, string>, text: await textOf(request) };
    requests.push(pushed);
    atOnce++;
    most = Math.max(most, atOnce);
    const { status = 200, headers: more, text = '' } = await receiver.answer(pushed, requests.length);
    atOnce--;
    response.writeHead(status, more);
    response.end(text);
  });
  const receiver: PushReceiver = {
    url: server.url,
    requests,
    mostAtOnce: () => most,
    answer: () => ({}),
    received: async (count) => {
      await eventually(() => requests.length >= count);
      return requests;
    },
    close: server.close,
  };
  return receiver;
}
