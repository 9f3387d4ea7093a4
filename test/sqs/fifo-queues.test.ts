/** FIFO queues, their attributes, dead-letter queues and receive attempts, by the AWS SDK for JavaScript. */
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { sqsForTests } from '../support/local-sqs.ts';

const local = sqsForTests();
const fifo = { FifoQueue: 'true' };
const highThroughput = { DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' };
const arn = (name: string) => `arn:aws:sqs:eu-central-1:000000000000:${name}`;

async function create(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  return (await local().sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
}
async function attributesOf(QueueUrl: string): Promise<Record<string, string>> {
  return (await local().sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes!;
}
const set = (QueueUrl: string, Attributes: Record<string, string>) =>
  local().sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));

describe('a FIFO queue', () => {
  it('is created by a name that ends with .fifo and the attribute FifoQueue, and found like others', async () => {
    const QueueUrl = await create('orders.fifo', fifo);
    expect(QueueUrl.endsWith('/000000000000/orders.fifo')).toBe(true);
    expect(await create('orders.fifo', fifo)).toBe(QueueUrl);
    expect((await local().sqs.send(new GetQueueUrlCommand({ QueueName: 'orders.fifo' }))).QueueUrl).toBe(QueueUrl);
    const { QueueUrls } = await local().sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'orders.' }));
    expect(QueueUrls).toEqual([QueueUrl]);
    expect(await attributesOf(QueueUrl)).toMatchObject({
      QueueArn: arn('orders.fifo'),
      FifoQueue: 'true',
      ContentBasedDeduplication: 'false',
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
    });
    expect(await local().http.call('getQueue', { queue: 'orders.fifo' })).toMatchObject({
      groups: { concurrency: 1, onFailure: 'block' },
      deduplication: { windowSeconds: 300, onDuplicate: 'ignore' },
      backoff: null,
    });
  });

  it('has a name of at most 80 characters with the ending, and no other queue has that ending', async () => {
    await create(`${'x'.repeat(75)}.fifo`, fifo);
    const refused = { Code: 'InvalidParameterValue' };
    for (const [name, attributes] of [
      [`${'x'.repeat(76)}.fifo`, fifo],
      ['orders', fifo],
      ['.fifo', fifo],
      ['a b.fifo', fifo],
      ['a.fifo.fifo', fifo],
      ['standard.fifo', {}],
    ] as const) {
      await expect(create(name, attributes), name).rejects.toMatchObject(refused);
    }
    await expect(create('standard', { FifoQueue: 'false' })).rejects.toMatchObject({ name: 'InvalidAttributeName' });
  });

  it('refuses values that its attributes do not have, and a throughput limit for each group without its scope', async () => {
    const QueueUrl = await create('values.fifo', fifo);
    const refused = { name: 'InvalidAttributeValue' };
    for (const attributes of [
      { ContentBasedDeduplication: 'yes' },
      { DeduplicationScope: 'group' },
      { FifoThroughputLimit: 'perGroup' },
      { FifoThroughputLimit: 'perMessageGroupId' },
    ]) {
      const said = JSON.stringify(attributes);
      await expect(set(QueueUrl, attributes), said).rejects.toMatchObject(refused);
      await expect(create('other.fifo', { ...fifo, ...attributes }), said).rejects.toMatchObject(refused);
    }
    await expect(set(QueueUrl, { FifoQueue: 'false' })).rejects.toMatchObject(refused);
    await set(QueueUrl, { ...fifo, ...highThroughput });
    await expect(set(QueueUrl, { DeduplicationScope: 'queue' })).rejects.toMatchObject(refused);
    expect(await attributesOf(QueueUrl)).toMatchObject(highThroughput);
    await set(QueueUrl, { FifoThroughputLimit: 'perQueue', DeduplicationScope: 'queue', ContentBasedDeduplication: 'true' });
    expect(await attributesOf(QueueUrl)).toMatchObject({ DeduplicationScope: 'queue', ContentBasedDeduplication: 'true' });
  });

  it('is not created again with other attributes, and a refused change changes nothing', async () => {
    const QueueUrl = await create('same.fifo', { ...fifo, ContentBasedDeduplication: 'true' });
    expect(await create('same.fifo', fifo)).toBe(QueueUrl);
    const other = { ...fifo, ContentBasedDeduplication: 'false' };
    await expect(create('same.fifo', other)).rejects.toMatchObject({ name: 'QueueNameExists' });
    const change = { VisibilityTimeout: '7', FifoThroughputLimit: 'perMessageGroupId' };
    await expect(set(QueueUrl, change)).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
    expect(await attributesOf(QueueUrl)).toMatchObject({ VisibilityTimeout: '30', FifoThroughputLimit: 'perQueue' });
  });

  it('has a FIFO queue as its dead-letter queue, and a standard queue a standard one', async () => {
    await create('dead.fifo', fifo);
    await create('dead');
    const RedrivePolicy = (name: string) => JSON.stringify({ deadLetterTargetArn: arn(name), maxReceiveCount: 3 });
    const refused = { Code: 'InvalidParameterValue', message: expect.stringContaining('same type') };
    await expect(create('work.fifo', { ...fifo, RedrivePolicy: RedrivePolicy('dead') })).rejects.toMatchObject(refused);
    await expect(create('work', { RedrivePolicy: RedrivePolicy('dead.fifo') })).rejects.toMatchObject(refused);
    const QueueUrl = await create('work.fifo', { ...fifo, RedrivePolicy: RedrivePolicy('dead.fifo') });
    await expect(set(QueueUrl, { RedrivePolicy: RedrivePolicy('dead') })).rejects.toMatchObject(refused);
    expect(await attributesOf(QueueUrl)).toMatchObject({ RedrivePolicy: RedrivePolicy('dead.fifo') });
  });
});
