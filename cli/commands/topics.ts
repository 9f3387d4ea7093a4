/** `topics` and `subscriptions`. */
import type { Command } from 'commander';
import type { ListedTopic } from '../../contract/contract.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { lastHourColumns } from '../last-hour.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;
const flows = ['published', 'delivered', 'unmatched'] as const;

export function addTopicCommands(program: Command): void {
  program
    .command('topics')
    .description('lists the topics, with what was published to them in the last hour')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const topics = await pagesOf(
        { limit: pageSize, lastHour: true },
        (page) => session.call('listTopics', {}, page),
        ({ topics }) => topics,
      ).all();
      session.printRows<ListedTopic>(topics, [
        { title: 'Topic', text: ({ name }) => name },
        { title: 'Subscriptions', isNumber: true, text: ({ subscriptions }) => subscriptions },
        ...lastHourColumns(flows),
        { title: 'Created', text: ({ createdAt }) => createdAt },
      ]);
    });
  program
    .command('subscriptions <topic>')
    .description('lists the subscriptions of a topic')
    .action(async (topic: string, _: object, command: Command) => {
      const session = await sessionOf(command);
      const subscriptions = await pagesOf(
        { limit: pageSize },
        (page) => session.call('listSubscriptions', { topic }, page),
        ({ subscriptions }) => subscriptions,
      ).all();
      session.printRows(subscriptions, [
        { title: 'Subscription', text: ({ name }) => name },
        { title: 'Queue', text: ({ queue }) => queue },
        { title: 'Subject', text: ({ subject }) => subject },
        { title: 'Filter', text: ({ filter }) => filter && JSON.stringify(filter) },
      ]);
    });
}
