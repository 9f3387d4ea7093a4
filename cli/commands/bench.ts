/** `bench`: how many messages a second a queue of the deployment passes on, and how long it takes. */
import { type Command, Option } from 'commander';
import { plural } from '../../contract/plural.ts';
import { withYes } from '../confirm.ts';
import { UsageError } from '../failure.ts';
import { type Latencies, type LoadReport, load } from '../load.ts';
import { wholeOf } from '../options.ts';
import { startProgress } from '../progress.ts';
import { type Session, sessionOf } from '../session.ts';

interface BenchOptions {
  seconds?: number;
  messages?: number;
  flows: number;
  batch: number;
  bytes: number;
  yes?: true;
}

const secondsDefault = 10;

export function addBenchCommand(program: Command): void {
  withYes(
    program
      .command('bench')
      .argument('[queue]', 'a queue that exists, whose messages are all received and acked; needs --yes')
      .description(
        'publishes and receives for a while, in a queue of its own that it deletes afterwards; in DynamoDB it costs what its messages cost',
      ),
  )
    .addOption(new Option('--seconds <number>', `how long to publish and receive; default: ${secondsDefault}`).argParser(wholeOf))
    .addOption(
      new Option('--messages <number>', 'how many messages to publish; default: as many as the time allows').argParser(wholeOf),
    )
    .addOption(new Option('--flows <number>', 'publishers, and as many receivers').argParser(wholeOf).default(8))
    .addOption(
      new Option('--batch <number>', 'messages of one call, at most 100; a receive takes 10').argParser(wholeOf).default(10),
    )
    .addOption(new Option('--bytes <number>', 'of each body').argParser(wholeOf).default(100))
    .action(async (given: string | undefined, options: BenchOptions, command: Command) => {
      const session = await sessionOf(command);
      if (given === undefined) return withOwnQueue(session, (queue) => bench(session, queue, options));
      if (!options.yes) throw new UsageError(`All messages of ${given} will be received and acked. Say so with --yes.`);
      return bench(session, given, options);
    });
}

async function withOwnQueue({ call }: Session, run: (queue: string) => Promise<void>): Promise<void> {
  const queue = `bench-${crypto.randomUUID().slice(0, 8)}`;
  await call('createQueue', { queue }, {});
  try {
    await run(queue);
  } finally {
    await call('deleteQueue', { queue });
  }
}

async function bench(session: Session, queue: string, options: BenchOptions): Promise<void> {
  const { messages = Number.POSITIVE_INFINITY, flows, batch, bytes } = options;
  const seconds = options.seconds ?? (options.messages === undefined ? secondsDefault : Number.POSITIVE_INFINITY);
  let isStopped = false;
  const stop = () => {
    isStopped = true;
  };
  // The first Ctrl-C ends the load, so that its queue is deleted; a second one ends the process.
  process.once('SIGINT', stop);
  const progress = startProgress('messages received', options.messages);
  try {
    const report = await load(session, queue, { flows, batch, bytes, seconds, messages }, progress, () => isStopped);
    session.print({ ...options, ...report }, textOf(report));
  } finally {
    progress.end();
    process.off('SIGINT', stop);
  }
}

function textOf({ published, received, ...report }: LoadReport): string {
  const line = (what: string, text: string) => `${what.padEnd(20)}${text}`;
  const timesOf = (latencies: Latencies | null) =>
    latencies === null
      ? 'none'
      : `p50 ${latencies.p50} ms, p95 ${latencies.p95} ms, p99 ${latencies.p99} ms, max ${latencies.max} ms`;
  return [
    line('published', `${published} ${plural(published, 'message')}, ${report.publishedPerSecond} a second`),
    line('received', `${received} ${plural(received, 'message')}, ${report.receivedPerSecond} a second`),
    line('publish to receive', timesOf(report.deliveryMs)),
    line('publish call', timesOf(report.publishMs)),
    line('receive call', timesOf(report.receiveMs)),
    line('ack call', timesOf(report.ackMs)),
  ].join('\n');
}
