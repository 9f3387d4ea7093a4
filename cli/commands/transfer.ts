/** `export` and `import`: the waiting messages of a queue as lines of JSON, and back. */
import type { Command } from 'commander';
import type { Message, PublishEntry } from '../../contract/contract.ts';
import { readAnswer } from '../../contract/json-text.ts';
import { writeJson } from '../../contract/json-values.ts';
import { plural } from '../../contract/plural.ts';
import { CommandFailure } from '../failure.ts';
import { messagesOf } from '../filters.ts';
import { countLines, linesOf } from '../lines.ts';
import { startProgressOfLines } from '../progress.ts';
import { sessionOf } from '../session.ts';
import { publishAll } from './publish.ts';

export function addTransferCommands(program: Command): void {
  program
    .command('export <queue>')
    .description('prints every waiting message as a line of JSON; takes none of them')
    .action(async (queue: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      const { atLeast, ready, delayed, leased, dead, prepared } = (await session.call('getQueue', { queue })).counts;
      const total = atLeast ? undefined : ready + delayed + leased + dead + prepared;
      const progress = startProgressOfLines('messages exported', total);
      let count = 0;
      for await (const { items } of messagesOf(session, queue, {}).pages()) {
        for (const message of items) console.log(writeJson(message));
        count += items.length;
        progress.add(items.length);
      }
      progress.end();
      console.error(`${count} ${plural(count, 'message')}.`);
    });
  program
    .command('import <queue>')
    .description('publishes what "export" printed, each message under its former id, so that a repeat publishes nothing twice')
    .option('--file <path>', 'the lines; - for standard input', '-')
    .action(async (queue: string, { file }: { file: string }, command: Command) => {
      const session = await sessionOf(command);
      await publishAll(session, queue, entriesOf(file), await countLines(file));
    });
}

async function* entriesOf(file: string): AsyncGenerator<PublishEntry> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number++;
    try {
      yield entryOf(readAnswer(line) as Message);
    } catch {
      throw new CommandFailure(`Line ${number} is no message that "export" printed. What came before it is published.`);
    }
  }
}

/** An id that the queue made contains characters that no own id has. */
function entryOf({ id, body, bodyBase64, attributes, priority, group, state, visibleAt }: Message): PublishEntry {
  if (typeof id !== 'string') throw new SyntaxError('no message');
  return {
    id: id.replaceAll('~', '.').replaceAll('@', ':'),
    ...(body === undefined ? { bodyBase64: bodyBase64! } : { body }),
    attributes,
    ...(priority !== undefined && { priority }),
    ...(group !== undefined && { group }),
    ...(state === 'delayed' && { deliverAt: visibleAt }),
  };
}
