/** `publish`: an argument, a file, or a line of JSON for each message on standard input. */
import { type Command, Option } from 'commander';
import type { PublishEntry } from '../../contract/contract.ts';
import { CommandFailure, UsageError } from '../failure.ts';
import { countLines, linesOf } from '../lines.ts';
import { attributeOf, jsonOf, numberOf, wholeOf } from '../options.ts';
import { startProgressOfLines } from '../progress.ts';
import { type Session, sessionOf } from '../session.ts';

const batchSize = 100;

interface PublishOptions {
  file?: string;
  count: number;
  id?: string;
  group?: string;
  dedupKey?: string;
  delay?: number;
  priority?: number;
  attribute?: Record<string, string | number>;
}

export function addPublishCommands(program: Command): void {
  program
    .command('publish <queue> [body]')
    .description('publishes a JSON body; or each line of a file or of standard input')
    .option('--file <path>', 'a JSON body in each line; - for standard input')
    .addOption(new Option('--count <number>', 'how many times to publish the body').argParser(wholeOf).default(1))
    .option('--id <id>', 'the own id of the message')
    .option('--group <name>', 'its group')
    .option('--dedup-key <key>', 'its deduplication key')
    .addOption(new Option('--delay <seconds>', 'when it can be received').argParser(numberOf))
    .addOption(new Option('--priority <number>', 'its priority').argParser(numberOf))
    .addOption(new Option('--attribute <name=value>', 'an attribute; may be given several times').argParser(attributeOf))
    .action(async (queue: string, body: string | undefined, options: PublishOptions, command: Command) => {
      const { file, count, id, group, dedupKey, delay, priority, attribute } = options;
      if ((body === undefined) === (file === undefined)) throw new UsageError('Give either a body or --file.');
      if (body !== undefined) requireJson(body);
      const session = await sessionOf(command);
      const rest = {
        ...(id !== undefined && { id }),
        ...(group !== undefined && { group }),
        ...(dedupKey !== undefined && { dedupKey }),
        ...(delay !== undefined && { delaySeconds: delay }),
        ...(priority !== undefined && { priority }),
        ...(attribute && { attributes: attribute }),
      };
      const bodies = body === undefined ? linesOf(file!) : repeated(body, count);
      const total = body === undefined ? await countLines(file!) : count;
      await publishAll(session, queue, entriesOf(bodies, rest), total);
    });
}

function requireJson(body: string): void {
  try {
    jsonOf(body);
  } catch {
    throw new UsageError(`The body is not JSON, such as '{"a": 1}' or '"text"'.`);
  }
}

async function* repeated(body: string, count: number): AsyncGenerator<string> {
  for (let index = 0; index < count; index++) yield body;
}

async function* entriesOf(bodies: AsyncIterable<string>, rest: Omit<PublishEntry, 'body'>): AsyncGenerator<PublishEntry> {
  let line = 0;
  for await (const text of bodies) {
    line++;
    try {
      yield { body: jsonOf(text), ...rest };
    } catch {
      throw new CommandFailure(`Body ${line} is not JSON. What came before it is published.`);
    }
  }
}

/**
 * Publishes in batches, and prints the id of each message. Ends at the first message that is refused, or that cannot be read, with what came
 * before it published.
 */
export async function publishAll(
  { call, isJson }: Session,
  queue: string,
  entries: AsyncIterable<PublishEntry>,
  total: number | undefined,
): Promise<void> {
  const progress = startProgressOfLines('messages published', total);
  let batch: PublishEntry[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const messages = batch;
    batch = [];
    const { results } = await call('publish', { queue }, { messages });
    progress.add(messages.length);
    for (const result of results) {
      if (!result.ok) continue;
      console.log(isJson ? JSON.stringify(result) : `${result.id}${result.duplicate ? ' (taken: nothing was published)' : ''}`);
    }
    const refused = results.find(({ ok }) => !ok);
    if (refused?.ok === false) throw new CommandFailure(`${refused.code}: ${refused.message}`);
  };
  try {
    try {
      for await (const entry of entries) {
        batch.push(entry);
        if (batch.length === batchSize) await flush();
      }
    } finally {
      // Also if a later line cannot be read: its error says that those before it are published.
      await flush();
    }
  } finally {
    progress.end();
  }
}
