/** The queue setting `sqs.extended`, which lifts the limits of SQS in the SQS API. */
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { beforeAll, describe, expect, it } from 'vitest';
import { sqsForTests } from '../support/local-sqs.ts';

const local = sqsForTests();
const day = 24 * 60 * 60;
const entries = (count: number, entry: (id: string) => object) =>
  Array.from({ length: count }, (_, index) => ({ Id: `${index}`, ...entry(`${index}`) })) as never[];
const messages = (count: number) => entries(count, (id) => ({ MessageBody: id }));

beforeAll(async () => {
  await local().http.call('createQueue', { queue: 'lifted' }, { sqs: { extended: true } });
  await local().http.call('createQueue', { queue: 'plain' }, {});
});

/** What a call does in each of the two queues: `ok`, or the name of its error. */
async function outcomes(call: (QueueUrl: string) => Promise<unknown>): Promise<{ lifted: string; plain: string }> {
  const outcome = (queue: string) =>
    call(queue).then(
      () => 'ok',
      ({ name }: Error) => name,
    );
  return { lifted: await outcome('lifted'), plain: await outcome('plain') };
}

describe('a queue with the setting sqs.extended', () => {
  it('takes a delay of a day, which SQS refuses', async () => {
    const send = (DelaySeconds: number) => (QueueUrl: string) =>
      local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm', DelaySeconds }));
    expect(await outcomes(send(day))).toEqual({ lifted: 'ok', plain: 'InvalidParameterValue' });
    expect(await outcomes(send(3651 * day))).toMatchObject({ lifted: 'InvalidParameterValue' });
    const { counts } = await local().http.call('getQueue', { queue: 'lifted' });
    expect(counts.delayed).toBe(1);
  });

  it('sends, receives, keeps invisible and deletes a hundred messages in one call each, and no more', async () => {
    const send = (count: number) => (QueueUrl: string) =>
      local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: messages(count) }));
    expect(await outcomes(send(100))).toEqual({ lifted: 'ok', plain: 'TooManyEntriesInBatchRequest' });
    expect(await outcomes(send(101))).toMatchObject({ lifted: 'TooManyEntriesInBatchRequest' });
    const QueueUrl = 'lifted';
    const { Messages = [] } = await local().sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 100, VisibilityTimeout: day }),
    );
    expect(Messages).toHaveLength(100);
    const handle = (id: string) => ({ ReceiptHandle: Messages[Number(id)]!.ReceiptHandle });
    const Entries = entries(100, (id) => ({ ...handle(id), VisibilityTimeout: id === '0' ? 366 * day : 7 * day }));
    const changed = await local().sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    expect(changed.Successful).toHaveLength(99);
    expect(changed.Failed).toMatchObject([{ Id: '0', Code: 'InvalidParameterValue' }]);
    const deleted = await local().sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: entries(100, handle) }));
    expect(deleted.Successful).toHaveLength(100);
    const tooMany = new DeleteMessageBatchCommand({ QueueUrl, Entries: entries(101, () => ({ ReceiptHandle: 'x' })) });
    await expect(local().sqs.send(tooMany)).rejects.toMatchObject({ name: 'TooManyEntriesInBatchRequest' });
  });

  it('takes more than a MiB in one batch', async () => {
    const Entries = entries(3, () => ({ MessageBody: 'x'.repeat(500_000) }));
    const send = (QueueUrl: string) => local().sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(await outcomes(send)).toEqual({ lifted: 'ok', plain: 'BatchRequestTooLong' });
  });

  it('keeps a message invisible for a week', async () => {
    const change = async (QueueUrl: string) => {
      await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'm' }));
      const { Messages } = await local().sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      const terms = { QueueUrl, ReceiptHandle: Messages![0]!.ReceiptHandle, VisibilityTimeout: 7 * day };
      await local().sqs.send(new ChangeMessageVisibilityCommand(terms));
    };
    expect(await outcomes(change)).toEqual({ lifted: 'ok', plain: 'InvalidParameterValue' });
  });

  it('takes attributes beyond the limits of SQS, and shows them', async () => {
    const Attributes = { VisibilityTimeout: `${2 * day}`, DelaySeconds: '3600', MessageRetentionPeriod: `${365 * day}` };
    const set = (QueueUrl: string) => local().sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    expect(await outcomes(set)).toEqual({ lifted: 'ok', plain: 'InvalidAttributeValue' });
    const asked = new GetQueueAttributesCommand({ QueueUrl: 'lifted', AttributeNames: ['All'] });
    expect((await local().sqs.send(asked)).Attributes).toMatchObject(Attributes);
    // The same attributes again answer the queue that is there.
    const create = (QueueName: string) => local().sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    expect(await outcomes(create)).toEqual({ lifted: 'ok', plain: 'InvalidAttributeValue' });
  });

  it('has the limits of SQS for what the queue does not allow either', async () => {
    const receive = (QueueUrl: string) => local().sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 21 }));
    expect(await outcomes(receive)).toEqual({ lifted: 'InvalidParameterValue', plain: 'InvalidParameterValue' });
  });

  it('has the limits of SQS again when the setting is removed', async () => {
    await local().http.call('createQueue', { queue: 'once' }, { sqs: { extended: true } });
    await local().http.call('updateQueue', { queue: 'once' }, { sqs: null });
    const asked = new ReceiveMessageCommand({ QueueUrl: 'once', MaxNumberOfMessages: 11 });
    await expect(local().sqs.send(asked)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
  });
});
