/**
 * Measures the local server beside SQS emulators in one run: ElasticMQ, fauxqs and ministack keep messages in memory, Dumbwaiter on disk,
 * durably. ministack is there to compare only.
 * The SQS API of Dumbwaiter has the client of the emulators, and verifies its signatures.
 * `npm run bench:peers` installs the emulators here first. See docs/numbers.md.
 */

import { cpuMsOf } from '../timing.ts';
import { dumbwaiterWorker, issueAccessKey, sqsWorker, type Worker } from './clients.ts';
import { measured, printPeers, type Row } from './report.ts';
import { type PeerServer, startDumbwaiter, startElasticMq, startFauxqs, startMinistack } from './servers.ts';

const rounds = Number(process.env.ROUNDS ?? 3);
const warmUpRounds = Number(process.env.WARM_UP_ROUNDS ?? 1);
const bodyBytes = 100;
const loads = [
  { batch: 1, workers: 16, messages: 800 },
  { batch: 10, workers: 8, messages: 4_000 },
];
const key = 'bench-key-of-the-peers-0123456789';

interface Peer {
  name: string;
  server: PeerServer;
  worker(): Worker;
}

async function measure({ name, server, worker }: Peer, { batch, workers, messages }: (typeof loads)[number]): Promise<Row[]> {
  const all = Array.from({ length: workers }, worker);
  const queue = `bench-${crypto.randomUUID()}`;
  await Promise.all(all.map((one) => one.createQueue(queue).catch(() => all[0]!.createQueue(queue))));
  const bodies = Array.from({ length: batch }, () => 'x'.repeat(bodyBytes));
  const timed = async (step: Row['step'], run: (one: Worker) => Promise<void>): Promise<Row> => {
    const [cpu, startedAt] = [cpuMsOf(server.pid), performance.now()];
    await Promise.all(all.map(run));
    const seconds = (performance.now() - startedAt) / 1000;
    return { name, step, batch, perSecond: messages / seconds, serverCpuMs: (cpuMsOf(server.pid) - cpu) / messages };
  };
  let toSend = messages / batch;
  const sent = await timed('send', async (one) => {
    while (toSend-- > 0) await one.send(queue, bodies);
  });
  let toReceive = messages;
  const received = await timed('receive and delete', async (one) => {
    while (toReceive > 0) {
      const received = await one.receiveAndDelete(queue, batch);
      toReceive -= received;
    }
  });
  for (const one of all) one.close();
  return [sent, received];
}

const servers: PeerServer[] = [];
try {
  const [elasticMq, fauxqs, ministack] = [await startElasticMq(), await startFauxqs(), await startMinistack()];
  const dumbwaiter = await startDumbwaiter(key);
  servers.push(elasticMq, fauxqs, ministack, dumbwaiter);
  const accessKey = await issueAccessKey(dumbwaiter.url, key);
  const peers: Peer[] = [
    { name: 'ElasticMQ', server: elasticMq, worker: () => sqsWorker(elasticMq.url) },
    { name: 'fauxqs', server: fauxqs, worker: () => sqsWorker(fauxqs.url) },
    { name: 'ministack', server: ministack, worker: () => sqsWorker(ministack.url) },
    { name: measured.http, server: dumbwaiter, worker: () => dumbwaiterWorker(dumbwaiter.url, key) },
    { name: measured.sqs, server: dumbwaiter, worker: () => sqsWorker(dumbwaiter.url, accessKey) },
  ];
  const rows: Row[] = [];
  // The first rounds warm up the servers and do not count. Each round measures all peers in turn, since the machine's load varies.
  for (let round = 1 - warmUpRounds; round <= rounds; round++) {
    for (const load of loads) {
      for (const peer of peers) {
        const ofPeer = await measure(peer, load);
        for (const { name, step, batch, perSecond } of ofPeer) console.error(round, name, step, batch, Math.round(perSecond));
        if (round > 0) rows.push(...ofPeer);
      }
    }
  }
  printPeers(rows);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
