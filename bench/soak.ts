/**
 * Sends messages through the SQS API of the local server, receives and deletes them, in tens, and reports at each tenth of them how much
 * memory the server and its file take: `npm run bench:soak [-- --messages 1000000] [--package]`; the latter after `npm run build`.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { fromPackage, residentMbOf, startLocalServer } from './local-server.ts';
import { against, table } from './table.ts';
import { soakResidentMb } from './targets.ts';
import { cpuMsOf } from './timing.ts';

const batch = 10;
const workers = 4;
const bodyBytes = 100;

const { values } = parseArgs({ options: { messages: { type: 'string', default: '1000000' }, package: { type: 'boolean' } } });
const total = Number(values.messages);
const folder = mkdtempSync(join(tmpdir(), 'dumbwaiter-soak-'));
const server = await startLocalServer(
  ['--data', folder, '--sqs-anonymous', '--sqs-create-queues'],
  values.package ? fromPackage : undefined,
);
const agent = new Agent({ keepAlive: true, maxSockets: workers });

async function call<Output>(action: string, input: object): Promise<Output> {
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${action}`, authorization: 'none' };
  const sent = request(server.url, { method: 'POST', agent, headers });
  sent.end(JSON.stringify({ QueueUrl: 'soak', ...input }));
  const [response] = await new Promise<[import('node:http').IncomingMessage]>((resolve, reject) => {
    sent.once('response', (response) => resolve([response]));
    sent.once('error', reject);
  });
  const answer = await text(response);
  if (response.statusCode !== 200) throw new Error(`${action}: ${response.statusCode} ${answer}`);
  return JSON.parse(answer || '{}');
}

/** Sends ten messages, and receives and deletes as many. */
async function round(): Promise<void> {
  const body = 'm'.repeat(bodyBytes);
  const entries = Array.from({ length: batch }, (_, index) => ({ Id: String(index), MessageBody: body }));
  await call('SendMessageBatch', { Entries: entries });
  const { Messages = [] } = await call<{ Messages?: { ReceiptHandle: string }[] }>('ReceiveMessage', {
    MaxNumberOfMessages: batch,
  });
  if (Messages.length === 0) return;
  const receipts = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  await call('DeleteMessageBatch', { Entries: receipts });
}

const megabytes = (bytes: number) => bytes / 1024 ** 2;
const sizeOf = (name: string) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
const rows: (string | number)[][] = [];
try {
  for (let tenth = 1; tenth <= 10; tenth++) {
    const cpuBefore = cpuMsOf(server.pid);
    let rounds = Math.ceil(total / 10 / batch);
    const each = async () => {
      while (rounds-- > 0) await round();
    };
    await Promise.all(Array.from({ length: workers }, each));
    rows.push([
      Math.round((total * tenth) / 10),
      tenth === 10 ? against(residentMbOf(server.pid), soakResidentMb, 0) : Math.round(residentMbOf(server.pid)),
      megabytes(sizeOf('queue.sqlite') + sizeOf('queue.sqlite-wal')).toFixed(0),
      ((cpuMsOf(server.pid) - cpuBefore) / (total / 10)).toFixed(3),
    ]);
    console.error(rows.at(-1)!.join('  '));
  }
} finally {
  agent.destroy();
  await server.stop();
  rmSync(folder, { recursive: true });
}
console.log(`\nA queue that takes ${total} messages through the SQS API, in tens:\n`);
console.log(table(['messages', 'resident, MB', 'file, MB', 'CPU a message, ms'], rows));
