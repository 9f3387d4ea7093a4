import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ReceivedMessage } from '../../../../contract/contract.ts';
import { jsonText } from '../../../../contract/json-text.ts';
import { batchesOf, eventOf } from '../../../../functions/push/function-event.ts';
import { cases } from '../../../support/cases.ts';

const publishedAt = '2026-01-31T12:00:00.000Z';
const firstReceivedAt = '2026-01-31T12:00:05.000Z';
const from = { queue: 'orders', region: 'eu-central-1' };
const received = (more: Partial<ReceivedMessage>): ReceivedMessage => ({
  id: 'an-id',
  attributes: {},
  receipt: 'a.receipt',
  receives: 1,
  failures: 0,
  publishedAt,
  firstReceivedAt,
  leasedUntil: publishedAt,
  ...more,
});
const recordOf = (message: ReceivedMessage) => JSON.parse(eventOf([message], from)).Records[0];

it('a record has the fields of a record of SQS', () => {
  const attributes = jsonText('{"kind":"created","count":12.50,"big":1970670598291982290}') as never;
  const body = jsonText('{"order": 1970670598291982290}') as never;
  expect(recordOf(received({ body, attributes, group: 'a-group', receives: 3 }))).toEqual({
    messageId: 'an-id',
    receiptHandle: 'a.receipt',
    body: '{"order": 1970670598291982290}',
    attributes: {
      ApproximateReceiveCount: '3',
      SentTimestamp: String(Date.parse(publishedAt)),
      SenderId: 'dumbwaiter',
      ApproximateFirstReceiveTimestamp: String(Date.parse(firstReceivedAt)),
      MessageGroupId: 'a-group',
    },
    messageAttributes: {
      kind: { dataType: 'String', stringValue: 'created', stringListValues: [], binaryListValues: [] },
      count: { dataType: 'Number', stringValue: '12.50', stringListValues: [], binaryListValues: [] },
      big: { dataType: 'Number', stringValue: '1970670598291982290', stringListValues: [], binaryListValues: [] },
    },
    md5OfBody: hash('md5', '{"order": 1970670598291982290}'),
    eventSource: 'dumbwaiter',
    eventSourceARN: 'arn:aws:dumbwaiter:eu-central-1::orders',
    awsRegion: 'eu-central-1',
  });
});

it.each(
  cases<[string, Partial<ReceivedMessage>, string]>([
    ['a JSON string is that string', { body: jsonText('"say \\"hi\\"\\n"') as never }, 'say "hi"\n'],
    ['a JSON value is its text', { body: jsonText('[1, 2.0]') as never }, '[1, 2.0]'],
    ['null is the text null', { body: jsonText('null') as never }, 'null'],
    ['bytes is base64', { bodyBase64: 'AP8=' }, 'AP8='],
  ]),
)('the body of a record of %s', (_, message, body) => {
  expect(recordOf(received(message))).toMatchObject({ body, md5OfBody: hash('md5', body) });
});

it('a record whose first receive is not known has the time of its publish there, because parsers of SQS events require one', () => {
  const { firstReceivedAt: _, ...unknown } = received({ body: 1, receives: 2 });
  expect(recordOf(unknown).attributes.ApproximateFirstReceiveTimestamp).toBe(String(Date.parse(publishedAt)));
});

it('batches are cut at the batch size and at the size of an event', () => {
  const messages = Array.from({ length: 25 }, (_, n) => received({ id: `m${n}`, body: n }));
  const sizes = (batches: unknown[][]) => batches.map(({ length }) => length);
  expect(sizes(batchesOf(messages, 10))).toEqual([10, 10, 5]);
  const large = Array.from({ length: 7 }, () => received({ body: '"\\'.repeat(250_000) }));
  const batches = batchesOf(large, 100);
  expect(batches.flat()).toEqual(large);
  expect(batches.length).toBeGreaterThan(1);
  for (const batch of batches) expect(Buffer.byteLength(eventOf(batch, from))).toBeLessThanOrEqual(6 * 1024 * 1024);
  expect(batchesOf([], 10)).toEqual([]);
});
