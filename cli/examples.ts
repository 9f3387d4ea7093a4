/** What the help of each command shows. A test parses each line, and fails for a command without one. */
import type { Command } from 'commander';

export const examples: { readonly [command: string]: readonly string[] } = {
  start: [
    'dumbwaiter start',
    'dumbwaiter start --seed queues.yaml',
    'dumbwaiter start --memory --port 4566 --sqs-anonymous --sqs-create-queues',
  ],
  serve: ['dumbwaiter serve --messages-table Messages --leases-table Leases --queues-table Queues'],
  'local-key': ['dumbwaiter local-key', 'export DUMBWAITER_API_KEY=$(dumbwaiter local-key --data ./data)'],
  'context add': [
    'dumbwaiter context add local --url http://127.0.0.1:8420 --api-key dw_0123',
    'dumbwaiter context add production --stack Dumbwaiter --profile ops --region eu-central-1',
  ],
  'context use': ['dumbwaiter context use local'],
  'context list': ['dumbwaiter context list'],
  'context remove': ['dumbwaiter context remove local'],
  queues: ['dumbwaiter queues --watch', 'dumbwaiter queues --prefix orders --json'],
  'queue create': [`dumbwaiter queue create orders --settings '{"visibilityTimeoutSeconds": 60}'`],
  'queue update': [`dumbwaiter queue update orders --settings '{"limits": {"concurrency": 10}}'`],
  'queue show': ['dumbwaiter queue show orders'],
  'queue pause': ['dumbwaiter queue pause orders'],
  'queue resume': ['dumbwaiter queue resume orders'],
  'queue purge': ['dumbwaiter queue purge orders --yes'],
  'queue delete': ['dumbwaiter queue delete orders --yes'],
  publish: [
    `dumbwaiter publish orders '{"order": 4711}' --attribute kind=created`,
    'dumbwaiter publish orders --file orders.ndjson',
    'dumbwaiter publish orders --file -',
    `dumbwaiter publish orders '"again"' --count 1000`,
  ],
  receive: ['dumbwaiter receive orders --ack', 'dumbwaiter receive orders --max 10 --wait 20 --visibility 60'],
  tail: ['dumbwaiter tail orders', 'dumbwaiter tail orders --from-start --json'],
  messages: [
    'dumbwaiter messages orders --state delayed --attribute kind=created --text 4711',
    'dumbwaiter messages orders --group customer-7 --from 2026-01-31T00:00:00Z --limit 1000',
  ],
  get: ['dumbwaiter get orders order-4711'],
  cancel: ['dumbwaiter cancel orders order-4711 order-4712', 'dumbwaiter cancel orders order-4711 --force'],
  release: ['dumbwaiter release orders order-4711', 'dumbwaiter release orders order-4711 --seconds 60'],
  edit: [`dumbwaiter edit orders order-4711 --body '{"order": 4711, "gift": true}' --priority 1`],
  postpone: ['dumbwaiter postpone orders order-4711 --seconds 600'],
  'dead list': ['dumbwaiter dead list orders-dead --reason max_receives --from 2026-01-31T00:00:00Z'],
  'dead show': ['dumbwaiter dead show orders-dead order-4711'],
  'dead redrive': [
    'dumbwaiter dead redrive orders-dead --attribute kind=created --text 4711 --dry-run',
    'dumbwaiter dead redrive orders-dead --reason rejected --rate 10',
  ],
  topics: ['dumbwaiter topics'],
  subscriptions: ['dumbwaiter subscriptions order-events'],
  'schedules list': ['dumbwaiter schedules'],
  'schedules show': ['dumbwaiter schedules show nightly'],
  'schedules pause': ['dumbwaiter schedules pause nightly'],
  'schedules resume': ['dumbwaiter schedules resume nightly'],
  'schedules trigger': ['dumbwaiter schedules trigger nightly'],
  'keys list': ['dumbwaiter keys'],
  'keys create': [
    `dumbwaiter keys create billing --queues 'orders*,mails' --scopes publish receive`,
    'dumbwaiter keys create ci --topics order-events --scopes publish --expires 2027-01-31T00:00:00Z',
    'dumbwaiter keys create grafana --scopes read',
    `dumbwaiter keys create checkout --queues 'orders*' --scopes publish --access-key`,
  ],
  'keys revoke': ['dumbwaiter keys revoke 7m2k9q4t1x8v'],
  audit: ['dumbwaiter audit --queue orders --from 2026-01-31T00:00:00Z'],
  export: ['dumbwaiter export orders > orders.ndjson'],
  import: ['dumbwaiter import orders --file orders.ndjson'],
  bench: ['dumbwaiter bench', 'dumbwaiter bench --messages 10000 --flows 32 --json'],
  completion: [
    'source <(dumbwaiter completion bash)',
    'dumbwaiter completion zsh > ~/.zfunc/_dumbwaiter',
    'dumbwaiter completion fish > ~/.config/fish/completions/dumbwaiter.fish',
  ],
  doctor: ['dumbwaiter doctor', 'dumbwaiter doctor --json'],
};

/** Each command that does something, with the words that call it. */
export function leavesOf(command: Command, words: readonly string[] = []): { words: string; command: Command }[] {
  const visible = command.createHelp().visibleCommands(command);
  const inner = visible.filter((one) => one.name() !== 'help');
  if (inner.length === 0) return [{ words: words.join(' '), command }];
  return inner.flatMap((one) => leavesOf(one, [...words, one.name()]));
}

export function addExamples(program: Command): void {
  for (const { words, command } of leavesOf(program)) {
    const lines = examples[words];
    if (lines) command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  }
}
