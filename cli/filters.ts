/** The options that select messages: the same for each command that does, and the filters of the API. */
import { type Command, Option } from 'commander';
import type { Message, MessageFilter, PeekInput } from '../contract/contract.ts';
import { type Pages, pagesOf } from '../sdk/calls/pages.ts';
import { numberOf } from './options.ts';
import type { Session } from './session.ts';

const pageSize = 100;

/** The command with these options. */
export function withFilters(command: Command): Command {
  const attribute = new Option('--attribute <name=value>', 'with this attribute; may be given several times');
  const reason = new Option('--reason <reason>', 'that died for it');
  return command
    .option('--id <start>', 'only messages whose ids begin so')
    .option('--group <name>', 'of this group')
    .option('--key <key>', 'that were published under this deduplication key')
    .addOption(new Option('--priority <number>', 'of this priority').argParser(numberOf))
    .addOption(reason.choices(['max_receives', 'expired', 'rejected', 'unreadable']))
    .option('--from <instant>', 'that arrived then or later: were published or, in a dead-letter queue, died')
    .option('--until <instant>', 'that arrived before')
    .addOption(attribute.argParser((text: string, before: string[] = []) => [...before, text]))
    .option('--text <text>', 'whose bodies contain it');
}

/** What the options select. A command may have others. */
export function filterOf(options: MessageFilter): MessageFilter {
  const { id, group, key, priority, reason, from, until, attribute, text } = options;
  const given = Object.entries({ id, group, key, priority, reason, from, until, attribute, text });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** The messages of the queue that fit, as they are read. */
export function messagesOf({ call }: Session, queue: string, input: Omit<PeekInput, 'limit'>): Pages<Message> {
  return pagesOf(
    { ...input, limit: pageSize },
    (page) => call('peek', { queue }, page),
    ({ messages }) => messages,
  );
}
