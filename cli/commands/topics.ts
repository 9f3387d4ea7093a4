/** `topics` and `subscriptions`. */
import type { Command } from 'commander';
import type { Subscription, Topic } from '../../contract/contract.ts';
import { allOf } from '../pages.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;

export function addTopicCommands(program: Command): void {
  program
    .command('topics')
    .description('lists the topics')
    .action(async (_: object, command: Command) => {
      const session = await sessionOf(command);
      const topics: Topic[] = [];
      const read = async (cursor: object) => {
        const page = await session.call('listTopics', {}, { limit: pageSize, ...cursor });
        return { entries: page.topics, cursor: page.cursor };
      };
      for await (const topic of allOf(read)) topics.push(topic);
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
      const subscriptions: Subscription[] = [];
      const read = async (cursor: object) => {
        const page = await session.call('listSubscriptions', { topic }, { limit: pageSize, ...cursor });
        return { entries: page.subscriptions, cursor: page.cursor };
      };
      for await (const subscription of allOf(read)) subscriptions.push(subscription);
      session.printRows(subscriptions, [
        { title: 'Subscription', text: ({ name }) => name },
        { title: 'Queue', text: ({ queue }) => queue },
        { title: 'Subject', text: ({ subject }) => subject },
        { title: 'Filter', text: ({ filter }) => filter && JSON.stringify(filter) },
      ]);
    });
}
