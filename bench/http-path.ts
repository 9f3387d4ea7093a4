/**
 * Measures the server's CPU time of an HTTP call without the engine, beside a bare HTTP server that checks nothing. `npm run bench:http`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { against, table } from './table.ts';
import { httpCallMs } from './targets.ts';
import { median, runConcurrently } from './timing.ts';

const rounds = 5;
const calls = 4_000;
const flows = 16;
const key = 'bench-key-0123456789-0123456789';
const inputs: Record<string, object> = {
  publish: { messages: [{ body: { orderId: 4711, text: 'x'.repeat(70) } }] },
  receive: { max: 1 },
  ack: { receipts: ['zt1yxgn1.zt1yxgn1~1ynnbyt6fb9b0.0.1.kevt3htc1fvr'] },
};

const agent = new Agent({ keepAlive: true, maxSockets: flows });

function post(url: string, body: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
      response.resume().on('end', resolve);
    })
      .on('error', reject)
      .end(body);
  });
}

async function cpuMs(child: ChildProcess): Promise<number> {
  child.send('cpu');
  return ((await once(child, 'message')) as [number])[0];
}

/** CPU time of the server for one call, ms. */
async function cpuOfCall(child: ChildProcess, url: string, operation: string): Promise<number> {
  const body = JSON.stringify(inputs[operation]);
  const before = await cpuMs(child);
  let left = calls;
  await runConcurrently(flows, () => (left-- > 0 ? () => post(`${url}/v1/queues/bench/${operation}`, body) : undefined));
  return ((await cpuMs(child)) - before) / calls;
}

const servers = await Promise.all(
  ['bare', 'app'].map(async (kind) => {
    const child = fork(fileURLToPath(new URL('http-server.ts', import.meta.url)), [kind, key]);
    const [{ url }] = (await once(child, 'message')) as [{ url: string }];
    return { kind, child, url };
  }),
);
const measured: { kind: string; operation: string; cpu: number }[] = [];
for (let round = 0; round <= rounds; round++) {
  for (const { kind, child, url } of servers) {
    for (const operation of Object.keys(inputs)) {
      const cpu = await cpuOfCall(child, url, operation);
      // The first round warms up the code and does not count.
      if (round > 0) measured.push({ kind, operation, cpu });
    }
  }
}
const cpuOf = (kind: string, operation: string) =>
  median(measured.filter((one) => one.kind === kind && one.operation === operation).map(({ cpu }) => cpu));
const rows = Object.keys(inputs).map((operation) => [
  operation,
  cpuOf('bare', operation).toFixed(3),
  against(cpuOf('app', operation), httpCallMs, 3),
]);
console.log(table(['call', 'bare server, ms of CPU', 'local server without the engine, ms of CPU'], rows));
for (const { child } of servers) child.disconnect();
agent.destroy();
