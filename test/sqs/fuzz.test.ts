/** Random calls of SQS in both protocols: values of wrong types, and parameters that are missing, doubled or unknown. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ActionName, actions } from '../../functions/sqs/actions/actions.ts';
import { elements, json, type LocalSqs, startLocalSqs } from '../support/local-sqs.ts';
import { testSeed } from '../support/seed.ts';

const runs = 600;
const queueNames = ['fuzz-a', 'fuzz-b', 'fuzz-c.fifo'];

let local: LocalSqs;
beforeAll(async () => {
  local = await startLocalSqs();
});
afterAll(() => local.close());

const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
const queueUrl = fc.constantFrom(...queueNames, 'http://x/000000000000/fuzz-a', 'fuzz-none', 'a.fifo', '///', '');
const someArn = fc.constantFrom(...queueNames.map(arn), arn('fuzz-none'), 'arn:aws:sqs', '');
const number = fc.constantFrom(0, 1, 10, 30, 900, 43_200, 43_201, -1, 1.5, 1e300);
const hostile = fc.oneof(
  fc.constantFrom(null, true, '', ' ', '\u0000', '\ud800', '__proto__', 'constructor', '😀', 'x'.repeat(2_000), '1e5', '-0'),
  number,
  fc.jsonValue({ maxDepth: 3 }),
);
const attribute = fc.record(
  {
    DataType: fc.constantFrom('String', 'Number', 'Binary', 'String.x', 'Other', ''),
    StringValue: fc.constantFrom('1', 'a', '', '1e999', '\u0000'),
    BinaryValue: fc.constantFrom('AP8=', '!', ''),
  },
  { requiredKeys: ['DataType'] },
);
const attributes = fc.dictionary(fc.constantFrom('a', 'sqs', 'b.c', '.d', 'AWS.x', '__proto__', 'AWSTraceHeader'), attribute, {
  maxKeys: 3,
});
const groupId = fc.constantFrom('g', 'h', '', 'a b', 'x'.repeat(129));
const deduplicationId = fc.constantFrom('d', 'e', '', 'ä');
const entry = fc.record(
  {
    Id: fc.constantFrom('a', 'b', 'c d', ''),
    MessageBody: fc.constantFrom('body', '', '\u0001'),
    ReceiptHandle: fc.constantFrom('handle', 'aaaaaaaa.x.0.1.000000000000', ''),
    VisibilityTimeout: number,
    DelaySeconds: number,
    MessageAttributes: attributes,
    MessageGroupId: groupId,
    MessageDeduplicationId: deduplicationId,
  },
  { requiredKeys: ['Id'] },
);
const queueAttributes = fc.dictionary(
  fc.constantFrom(
    'VisibilityTimeout',
    'DelaySeconds',
    'Policy',
    'RedrivePolicy',
    'RedriveAllowPolicy',
    'FifoQueue',
    'ContentBasedDeduplication',
    'DeduplicationScope',
    'FifoThroughputLimit',
    'Colour',
    '__proto__',
  ),
  fc.constantFrom(
    '0',
    '30',
    'true',
    'false',
    'messageGroup',
    'perMessageGroupId',
    '',
    '{}',
    '[]',
    'null',
    JSON.stringify({ deadLetterTargetArn: arn('fuzz-b'), maxReceiveCount: 2 }),
  ),
  { maxKeys: 3 },
);
const names = fc.array(fc.constantFrom('All', '.*', 'foo.*', 'SentTimestamp', 'Policy', '', 'x'), { maxLength: 3 });
const texts = fc.dictionary(fc.constantFrom('a', 'aws:b', '', '__proto__'), fc.constantFrom('', 'v'), { maxKeys: 3 });

/** Plausible values of every parameter of every action. */
const parameters: { readonly [name: string]: fc.Arbitrary<unknown> } = {
  QueueUrl: queueUrl,
  QueueName: fc.constantFrom(...queueNames, 'fuzz-none', 'a.fifo', 'fuzz-d.fifo', 'a b', ''),
  QueueNamePrefix: fc.constantFrom('fuzz', '', 'no'),
  Attributes: queueAttributes,
  AttributeNames: names,
  MessageAttributeNames: names,
  MessageSystemAttributeNames: names,
  MessageBody: fc.constantFrom('body', '', '\ufffe'),
  MessageAttributes: attributes,
  MessageSystemAttributes: attributes,
  MessageGroupId: groupId,
  MessageDeduplicationId: deduplicationId,
  ReceiveRequestAttemptId: fc.constantFrom('r', 's', '', 'a b'),
  DelaySeconds: number,
  Entries: fc.array(entry, { maxLength: 11 }),
  ReceiptHandle: fc.constantFrom('handle', 'aaaaaaaa.x.0.1.000000000000', ''),
  VisibilityTimeout: number,
  MaxNumberOfMessages: number,
  WaitTimeSeconds: fc.constantFrom(0, 21, -1),
  MaxResults: number,
  NextToken: fc.constantFrom('', 'x', 'eyJuYW1lIjoiYSJ9'),
  SourceArn: someArn,
  DestinationArn: someArn,
  MaxNumberOfMessagesPerSecond: number,
  TaskHandle: fc.constantFrom('', 'x', Buffer.from(`{"taskId":"a","sourceArn":"${arn('fuzz-a')}"}`).toString('base64')),
  Label: fc.constantFrom('label', 'a b', ''),
  AWSAccountIds: fc.array(fc.constantFrom('123456789012', 'x'), { maxLength: 2 }),
  Actions: fc.array(fc.constantFrom('SendMessage', '*', 'Dance'), { maxLength: 9 }),
  Tags: texts,
  tags: texts,
  TagKeys: fc.array(fc.constantFrom('a', ''), { maxLength: 2 }),
  Unknown: hostile,
};

const input = fc.record(
  Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      // A wait that is drawn as any value could be a long one.
      name === 'WaitTimeSeconds' ? value : fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: hostile }),
    ]),
  ),
  { requiredKeys: [] },
);
const action = fc.constantFrom(...(Object.keys(actions) as ActionName[]), 'Dance', '__proto__', '');

/** The names of lists in the Query protocol. */
const queryNames: { readonly [name: string]: string } = {
  Attributes: 'Attribute',
  AttributeNames: 'AttributeName',
  MessageAttributes: 'MessageAttribute',
  MessageAttributeNames: 'MessageAttributeName',
  Tags: 'Tag',
  TagKeys: 'TagKey',
  Actions: 'ActionName',
  AWSAccountIds: 'AWSAccountId',
};

/** The input as parameters of the Query protocol: lists and maps with numbers. */
function flat(given: unknown, prefix: string, entryName: string): [string, string][] {
  const under = (name: string) => (prefix === '' ? name : `${prefix}.${name}`);
  if (Array.isArray(given)) return given.flatMap((one, index) => flat(one, under(String(index + 1)), entryName));
  if (typeof given !== 'object' || given === null) return [[prefix, String(given)]];
  return Object.entries(given).flatMap(([name, value]) => {
    if (name === 'Entries') return flat(value, entryName, entryName);
    const element = queryNames[name];
    if (element === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) {
      return flat(value, under(element ?? name), entryName);
    }
    return Object.entries(value).flatMap(([key, inner], index): [string, string][] => [
      [under(`${element}.${index + 1}.${element === 'Tag' ? 'Key' : 'Name'}`), key],
      ...flat(inner, under(`${element}.${index + 1}.Value`), entryName),
    ]);
  });
}

async function create(): Promise<void> {
  for (const QueueName of queueNames) {
    const Attributes = QueueName.endsWith('.fifo') ? { FifoQueue: 'true', ContentBasedDeduplication: 'true' } : {};
    await json(local.server.url, 'CreateQueue', { QueueName, Attributes });
  }
}

it('SQS answers every call as SQS does, with a result or an error of its own, and without a defect', async () => {
  await create();
  const statuses = new Map<string, number>();
  const property = fc.asyncProperty(
    action,
    input,
    fc.constantFrom('json', 'form', 'query'),
    fc.boolean(),
    async (name, drawn, protocol, doubled) => {
      const text = JSON.stringify(drawn);
      let response: Response;
      if (protocol === 'json') {
        const body = doubled ? text.replace(/^\{(?!\})/, '{"QueueUrl":"fuzz-b",') : text;
        const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${name}` };
        response = await fetch(local.server.url, { method: 'POST', headers, body });
      } else {
        const pairs = flat(drawn, '', `${name}RequestEntry`).map(([key, value]) => [key, value.toWellFormed()]);
        const all = new URLSearchParams([['Action', name], ['Version', '2012-11-05'], ...(doubled ? pairs : []), ...pairs]);
        const isForm = protocol === 'form' || all.toString().length > 8_000;
        response = isForm
          ? await fetch(local.server.url, { method: 'POST', body: all })
          : await fetch(`${local.server.url}/?${all}`);
      }
      const answer = await response.text();
      const said = `${protocol} ${name} ${text} → ${response.status} ${answer}`.slice(0, 3_000);
      expect(response.status, said).toBeLessThan(500);
      if (protocol === 'json') {
        const output = JSON.parse(answer);
        if (response.status === 200) expect(output, said).not.toHaveProperty('__type');
        else
          expect(output, said).toEqual({
            __type: expect.stringMatching(/^com\.amazonaws\.sqs#\w+$/),
            message: expect.any(String),
          });
      } else if (response.status === 200) expect(answer, said).toContain(`<${name}Response `);
      else expect(elements(answer, 'Code'), said).toHaveLength(1);
      const count = `${name} ${response.status === 200 ? 'ok' : 'refused'}`;
      statuses.set(count, (statuses.get(count) ?? 0) + 1);
      if (name === 'DeleteQueue' && response.status === 200) await create();
    },
  );
  await fc.assert(property, { seed: testSeed, numRuns: runs });
  expect(local.defects).toEqual([]);
  const untried = Object.keys(actions).filter((name) => !statuses.has(`${name} refused`));
  expect(untried, JSON.stringify([...statuses])).toEqual([]);
}, 120_000);
