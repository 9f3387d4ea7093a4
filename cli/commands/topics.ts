/** `topics` and `subscriptions`. */
import type { Command } from 'commander';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;

export function addTopicCommands(program: Command): void {
  program
    .command('topics')
    .description('lists the topics')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const topics = await pagesOf(
        { limit: pageSize },
        (page) => session.call('listTopics', {}, page),
        ({ topics }) => topics,
      ).all();
      session.printRows(topics, [
        { title: 'Topic', text: ({ name }) => name },
        { title: 'Subscriptions', isNumber: true, text: ({ subscriptions }) => subscriptions },
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
