/** What every generated client must be able to do. Prints what it saw as one line of JSON. */
import createClient from 'openapi-fetch';
import type { components, paths } from './dumbwaiter.d.ts';

type Schemas = components['schemas'];

const { DUMBWAITER_URL: baseUrl = '', DUMBWAITER_API_KEY: key, QUEUE: queue = '' } = process.env;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${key}` } });
const dead = `${queue}-dead`;
const seen: Record<string, unknown> = {};

function data<T>({ data: answer, error }: { data?: T; error?: unknown }): T {
  if (answer === undefined) throw new Error(JSON.stringify(error));
  return answer;
}
const codeOf = ({ ok, code }: { ok: boolean; code?: string }) => (ok ? 'ok' : code);
const contentOf = ({
  body = null,
  bodyBase64 = null,
  attributes,
}: {
  body?: unknown;
  bodyBase64?: string | null;
  attributes: object;
}) => ({
  body,
  bytes: bodyBase64,
  attributes,
});

const path = { path: { queue } };
const ofDead = { path: { queue: dead } };
data(await client.PUT('/v1/queues/{queue}', { params: ofDead, body: {} }));
data(await client.PUT('/v1/queues/{queue}', { params: path, body: { deadLetter: { queue: dead } } }));

const attributes = { kind: 'text', size: 3 };
const messages: Schemas['PublishEntry'][] = [
  { body: { order: 1 }, attributes },
  { bodyBase64: 'AAH/' },
  { body: null },
  { body: 2, id: '..' },
];
const published = data(await client.POST('/v1/queues/{queue}/publish', { params: path, body: { messages } }));
seen.published = published.results.map(codeOf);

const { messages: received } = data(await client.POST('/v1/queues/{queue}/receive', { params: path, body: { max: 10 } }));
seen.received = received.map(contentOf);
const [first, second, third] = received.map(({ receipt }) => receipt) as [string, string, string];

const acked = data(await client.POST('/v1/queues/{queue}/ack', { params: path, body: { receipts: [first, 'nonsense'] } }));
seen.acked = acked.results.map(codeOf);
const release = async (body: Schemas['ReleaseInput']) =>
  data(await client.POST('/v1/queues/{queue}/release', { params: path, body })).results[0];
seen.released = (await release({ receipts: [second] }))?.visibleAt !== undefined;
seen.deadLettered = (await release({ receipts: [third], failed: 'broken', deadLetter: true }))?.deadLettered;

const later = { id: 'later', body: { a: 1 }, attributes, delaySeconds: 3600 };
data(await client.POST('/v1/queues/{queue}/publish', { params: path, body: { messages: [later] } }));
const update = async (body: Schemas['UpdateMessageInput']) => {
  const params = { path: { queue, id: 'later' } };
  data(await client.PATCH('/v1/queues/{queue}/messages/{id}', { params, body }));
  return contentOf(data(await client.GET('/v1/queues/{queue}/messages/{id}', { params })));
};
seen.putOff = await update({ delaySeconds: 7200 });
seen.edited = await update({ content: { body: { a: 2 } } });

let task = data(await client.POST('/v1/queues/{queue}/redrive', { params: ofDead, body: { reason: 'rejected' } }));
while (task.state === 'running') {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const params = { path: { queue: dead, task: task.id } };
  task = data(await client.GET('/v1/queues/{queue}/redrive/{task}', { params }));
}
seen.redriven = [task.state, task.moved];

const missing = await client.GET('/v1/queues/{queue}', { params: { path: { queue: `${queue}-missing` } } });
seen.refused = [missing.response.status, missing.error?.code];
console.log(JSON.stringify(seen));
