/** Generates docs/reference.md from the code, and fails when the file is out of date. Write it with `npx vitest run test/unit/reference.test.ts -u`. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { OperationName } from '../../contract/contract.ts';
import { meanings } from '../../contract/error-meanings.ts';
import { type ErrorCode, errors } from '../../contract/errors.ts';
import * as limits from '../../contract/limits.ts';
import { routes } from '../../contract/routes.ts';
import { operationTexts } from '../../functions/openapi/operations.ts';
import { actions } from '../../functions/sqs/actions/actions.ts';
import { systemNames } from '../../functions/sqs/actions/receive-message.ts';
import { readableNames } from '../../functions/sqs/queue-attributes.ts';
import { inputTables, settingsTable, table } from './reference-fields.ts';
import { changedSettings, ownIds, survival } from './reference-rules.ts';
import { sqsActions, sqsMessageAttributes, sqsQueueAttributes, sqsSection } from './reference-sqs.ts';

const header = `# Reference

Every operation, its input, every setting, error and limit. \`test/unit/reference.test.ts\` generates this page from the code. The fields of
the answers are in the OpenAPI 3.1 document that each deployment serves at \`/v1/openapi.json\`.
`;

const scopes = { any: 'any', none: 'no key', publish: 'publish', receive: 'receive', read: 'read', admin: 'admin' };

function operations(): string {
  const rows = (Object.keys(routes) as OperationName[]).map((name) => {
    const { method, path, scope } = routes[name];
    return [`\`${name}\``, `\`${method} ${path}\``, scopes[scope], operationTexts[name].summary];
  });
  return `## Operations\n\nThe name is the \`operation\` of a Lambda invoke. The scope is the one that an API key needs; \`receive\` includes \`read\`. Each\noperation's fields are under [input of each operation](#input-of-each-operation).\n\n${table(['operation', 'over HTTP', 'scope', 'what it does'], rows)}`;
}

const paths = `## Names in paths

Names of queues, topics, subscriptions and schedules contain letters, digits, \`_\` and \`-\`. The name of a queue may end with \`.fifo\`: for
SQS that is a [FIFO queue](#sqs), for the other APIs a queue like any other. The queue that a subscription owns is named \`topic~subscription\`,
wherever a queue is named; it is not created or deleted by that name. Ids of messages, tasks and keys may also contain \`.\` and \`:\`. Ids made
from a \`dedupKey\` also contain \`@\`. A path with a dot segment, a backslash, a control character or an encoded slash is refused with
\`invalid_input\`. Validate names before you put them into a path: API Gateway decodes the path before it reaches the queue, so an encoded slash
becomes a slash. The SDK refuses such names before it sends them.`;

const json = `## JSON as it was sent

The queue stores a body, the value of an attribute and the result of an ack as the JSON text that was sent, byte for byte from the first
character of the value to the last. Answers contain that text. Numbers keep their digits (\`1970670598291982290\`, \`1.0\`, \`-0\`, \`1e400\`),
objects keep their order and duplicate keys, strings keep their escapes (also an unpaired surrogate, such as \`\\ud83e\`), and keys such as \`__proto__\` stay.
Limits in bytes apply to that text, including its white space. The receiver decides how to parse it: most parsers round numbers beyond 2^53
and keep one of two equal keys. The SDK's option \`json\` returns bigints or the text instead.

Refused with the name of the field: a field of a request that is given twice, an attribute that is given twice or is named \`__proto__\`, and an attribute whose number
is not finite as a double or has more characters than a text may have. Lambda parses the payload of an invoke before the queue sees it. To keep the text, send
\`inputText\`, the input as JSON text, instead of \`input\`, as the SDK does. The answer then has \`outputText\`. Putting a schedule again counts as unchanged
only if the text of its message is the same.`;

const combinations = `## Where two features meet

\`test/engine/combinations.test.ts\` has a test for each line.

| situation | what happens |
| --- | --- |
| a debounced publish finds a message that waits for its retry | the message takes the new body, attributes and time; the backoff no longer counts; \`receives\` and \`failures\` stay |
| a debounced or replacing publish finds a leased message | the publish is answered as a duplicate, and changes nothing |
| a message of a group is given back with \`delaySeconds\` | its group waits for that time, to keep the order; other groups continue |
| a queue is purged while messages are leased | no leased message is delivered again; ack, extend and release of those messages still succeed, except in a group to which something is published afterwards: there they answer \`lease_lost\` |
| a receive without \`max\` | receives one message |`;

function settings(): string {
  const text = `If a request sets an object and leaves out some of its fields, those fields have their defaults. A name ends with its unit.`;
  return `## Settings of a queue

${text}

${settingsTable()}`;
}

function inputs(): string {
  const text = `\`messages[].body\` is the field \`body\` of each entry of \`messages\`. Unknown fields are refused. A field that is \`null\` counts as absent, unless its
meaning says what \`null\` means; a \`body\` of \`null\` is a JSON value. The SDK uses the same names. A Lambda invoke takes the fields of the path in
\`params\`, and the others in \`input\`.`;
  return `## Input of each operation

${text}

${inputTables()}`;
}

function codes(): string {
  const rows = Object.entries(errors).map(([code, { status, retryable }]) => [
    `\`${code}\``,
    String(status),
    retryable ? 'yes' : 'no',
    meanings[code as ErrorCode],
  ]);
  const text =
    'Over HTTP, a refusal of the whole call is problem+json (RFC 9457) with `code`. In a batch, each entry has a code of its own.';
  return `## Errors\n\n${text}\n\n${table(['code', 'HTTP status', 'retryable', 'meaning'], rows)}`;
}

/** The comment above a constant, or above the group of constants that it stands in. */
function comments(): Map<string, string> {
  const files = ['limits.ts', 'target-limits.ts', 'wake-limits.ts'];
  const source = files.map((file) => readFileSync(new URL(`../../contract/${file}`, import.meta.url), 'utf8')).join('\n');
  const found = new Map<string, string>();
  for (const [, comment, name] of source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+)/g)) {
    const text = comment!.replace(/\s*\n\s*\*\s?/g, ' ').trim();
    found.set(name!, text.replace(/(https:\S+?)([.;)]*)(\s|$)/g, '<$1>$2$3').replaceAll('|', '\\|'));
  }
  return found;
}

function limitRows(): string {
  const texts = comments();
  const rows = Object.entries(limits)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .map(([name, value]) => [`\`${name}\``, value.toLocaleString('en'), texts.get(name) ?? '']);
  return `## Limits\n\nA name ends with its unit and its bound. Source: \`contract/limits.ts\`.\n\n${table(['limit', 'value', ''], rows)}`;
}

test('the reference page equals what the code generates', async () => {
  const rules = [changedSettings, ownIds, survival, combinations];
  const text = [header, operations(), paths, json, settings(), ...rules, inputs(), codes(), limitRows(), sqsSection()].join(
    '\n\n',
  );
  await expect(`${text.replace('\n\n\n', '\n\n')}\n`).toMatchFileSnapshot('../../docs/reference.md');
});

test('the reference page names every action and attribute of SQS', () => {
  const sorted = (names: Iterable<string>) => [...names].sort();
  expect(sorted(Object.keys(sqsActions))).toEqual(sorted(Object.keys(actions)));
  expect(sorted(Object.keys(sqsQueueAttributes))).toEqual(sorted(readableNames));
  expect(sorted([...Object.keys(sqsMessageAttributes), 'All'])).toEqual(sorted(systemNames));
});
