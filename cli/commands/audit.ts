/** `audit`: which key changed what lately. */
import type { Command } from 'commander';
import type { AuditInput } from '../../contract/contract.ts';
import { pagesOf } from '../../sdk/calls/pages.ts';
import { wholeOf } from '../options.ts';
import { sessionOf } from '../session.ts';

const pageSize = 100;

interface AuditOptions extends Pick<AuditInput, 'queue' | 'key' | 'from' | 'until'> {
  limit: number;
}

export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('lists which key changed what in the last 30 days, newest first')
    .option('--queue <name>', 'only changes of this queue and of its messages')
    .option('--key <id>', 'only calls with the key of this id')
    .option('--from <instant>', 'only calls at or after this instant')
    .option('--until <instant>', 'only calls before this instant')
    .option('--limit <count>', 'the maximum number of changes to list', wholeOf, pageSize)
    .action(async ({ limit, ...filters }: AuditOptions, command: Command) => {
      const session = await sessionOf(command);
      const pages = pagesOf(
        { ...filters, limit: pageSize },
        (page) => session.call('listAudit', {}, page),
        ({ entries }) => entries,
      );
      const found = [];
      for await (const entry of pages) if (found.push(entry) >= limit) break;
      session.printRows(found, [
        { title: 'At', text: ({ at }) => at },
        { title: 'Key', text: ({ key }) => key.name ?? key.id },
        { title: 'Operation', text: ({ operation }) => operation },
        { title: 'Of', text: ({ params }) => Object.values(params).join(' ') },
        { title: 'With', text: ({ input }) => fieldsText(input) },
      ]);
    });
}

function fieldsText(input: object): string {
  return Object.entries(input)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
