/**
 * A client as a process of its own, which may be killed at any moment. Its calls are in its log. It ends at the first byte on its stdin.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../engine/port/random.ts';
import { httpTransport } from '../../sdk/transports/http.ts';
import { openCallLog } from './call-log.ts';
import { createWorker, type QueueNames } from './workload.ts';

export interface ClientTask {
  name: string;
  seed: number;
  logFile: string;
  urls: string[];
  apiKey: string;
  queues: QueueNames;
}

const workers = 3;
const pauseMsMax = 25;

const task = JSON.parse(process.argv[2]!) as ClientTask;
const log = openCallLog(task.logFile, task.name);
const transports = task.urls.map((url) => httpTransport({ url, apiKey: task.apiKey }));
let stopping = false;
process.stdin.once('data', () => {
  stopping = true;
});

async function work(index: number): Promise<void> {
  const random = seededRandom(task.seed + index);
  const worker = createWorker({ log, random, transports, queues: task.queues, name: `${task.name}.${index}` });
  while (!stopping) {
    await worker.step();
    await delay(random.number() * pauseMsMax);
  }
}

await Promise.all(Array.from({ length: workers }, (_, index) => work(index)));
process.stdin.destroy();
log.close();
