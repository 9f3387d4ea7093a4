/** `messages`: the messages of a queue that fit filters, without taking them. */
import { type Command, Option } from 'commander';
import type { Message, MessageFilter, MessageState } from '../../contract/contract.ts';
import { writeJson } from '../../contract/json-values.ts';
import { filterOf, messagesOf, withFilters } from '../filters.ts';
import { wholeOf } from '../options.ts';
import { sessionOf } from '../session.ts';

const limitDefault = 100;
const bodyCharsShown = 60;

interface MessagesOptions extends MessageFilter {
  state?: MessageState;
  limit: number;
}

export function addPeekCommand(program: Command): void {
  const state = new Option('--state <state>', 'only messages in this state');
  const command = program.command('messages <queue>').description('lists messages without taking them');
  withFilters(command.addOption(state.choices(['ready', 'delayed', 'leased', 'dead', 'prepared'])))
    .option('--limit <count>', 'the maximum number of messages to list', wholeOf, limitDefault)
    .action(async (queue: string, options: MessagesOptions, command: Command) => {
      const session = await sessionOf(command);
      const found: Message[] = [];
      const filter = { ...filterOf(options), ...(options.state && { state: options.state }) };
      for await (const message of messagesOf(session, queue, filter)) if (found.push(message) >= options.limit) break;
      session.printRows(found, [
        { title: 'Id', text: ({ id }) => id },
        { title: 'State', text: ({ state, deadLetter }) => deadLetter?.reason ?? state },
        { title: 'Published', text: ({ publishedAt }) => publishedAt },
        { title: 'Receives', isNumber: true, text: ({ receives }) => receives },
        { title: 'Body', text: bodyShown },
      ]);
    });
}

function bodyShown({ body, bodyBase64, unreadable }: Message): string {
  const text = unreadable ?? bodyBase64 ?? writeJson(body);
  return text.length > bodyCharsShown ? `${text.slice(0, bodyCharsShown)}…` : text;
}
