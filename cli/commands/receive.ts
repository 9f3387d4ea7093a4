/** `receive` takes messages; `tail` shows new ones without taking them. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { Message, ReceivedMessage } from '../../contract/contract.ts';
import { writeJson } from '../../contract/json-values.ts';
import { messagesOf } from '../filters.ts';
import { numberOf, wholeOf } from '../options.ts';
import { type Session, sessionOf } from '../session.ts';

const tailMs = 1_000;

export function addReceiveCommands(program: Command): void {
  program
    .command('receive <queue>')
    .description('receives messages and leases them; prints a line for each')
    .addOption(new Option('--max <number>', 'the maximum number of messages to receive').argParser(wholeOf).default(1))
    .addOption(new Option('--wait <seconds>', 'how long to wait for the first message').argParser(numberOf).default(0))
    .addOption(new Option('--visibility <seconds>', 'how long they are leased').argParser(numberOf))
    .option('--ack', 'acks them, once they are printed')
    .action(
      async (
        queue: string,
        { max, wait, visibility, ack }: { max: number; wait: number; visibility?: number; ack?: true },
        command: Command,
      ) => {
        const session = await sessionOf(command);
        const { messages } = await session.call(
          'receive',
          { queue },
          { max, waitSeconds: wait, ...(visibility !== undefined && { visibilityTimeoutSeconds: visibility }) },
        );
        for (const message of messages) print(session, message, ack ? [] : ['receipt', message.receipt]);
        if (ack && messages.length > 0)
          await session.call('ack', { queue }, { receipts: messages.map(({ receipt }) => receipt) });
        if (messages.length === 0) console.error('Nothing to receive.');
      },
    );
  program
    .command('tail <queue>')
    .description('prints messages as they are published, without taking them, until Ctrl-C; a consumer may be faster')
    .option('--from-start', 'begins with those that wait already')
    .action(async (queue: string, { fromStart }: { fromStart?: true }, command: Command) => {
      const session = await sessionOf(command);
      const seen = new Set<string>();
      for (let look = 0; ; look++) {
        const present = new Set<string>();
        for await (const message of messagesOf(session, queue, {})) {
          present.add(message.id);
          if (seen.has(message.id)) continue;
          seen.add(message.id);
          if (fromStart || look > 0) print(session, message, []);
        }
        // Messages that are gone need not be remembered.
        for (const id of seen) if (!present.has(id)) seen.delete(id);
        await delay(tailMs);
      }
    });
}

function print({ isJson }: Session, message: Message | ReceivedMessage, more: readonly string[]): void {
  const { id, body, bodyBase64, publishedAt } = message;
  console.log(isJson ? writeJson(message) : [publishedAt, id, bodyBase64 ?? writeJson(body), ...more].join('  '));
}
