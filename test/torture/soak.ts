/** `npm run soak`: many messages through the local server. Fails if the server or its file grows, or if something stays behind. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { soakDynamodb } from './soak-dynamodb.ts';
import { soakSqlite } from './soak-sqlite.ts';

const { messages, store } = new Command('npm run soak --')
  .description('Takes many messages through the local server, and looks at what stays behind.')
  .option('--messages <number>', 'how many', Number, 1_000_000)
  .addOption(new Option('--store <store>', 'where the server keeps them').choices(['sqlite', 'dynamodb']).default('sqlite'))
  .parse()
  .opts<{ messages: number; store: 'sqlite' | 'dynamodb' }>();

const rounds = 100;
const toldMax = 20;
const folder = await mkdtemp(join(tmpdir(), 'dumbwaiter-soak-'));
try {
  const failures =
    store === 'dynamodb'
      ? await soakDynamodb(messages, folder)
      : await soakSqlite({ messages, rounds, folder, tell: console.log });
  for (const failure of failures.slice(0, toldMax)) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
