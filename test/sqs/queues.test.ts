/** Queues, their attributes, tags and permissions by the AWS SDK for JavaScript. */
import {
  AddPermissionCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  RemovePermissionCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { sqsForTests } from '../support/local-sqs.ts';

const local = sqsForTests();

const arn = (name: string) => `arn:aws:sqs:eu-central-1:000000000000:${name}`;

async function create(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
  return (await local().sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl!;
}

async function attributesOf(QueueUrl: string, ...names: string[]) {
  const asked = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: (names.length > 0 ? names : ['All']) as never });
  return (await local().sqs.send(asked)).Attributes ?? {};
}

const set = (QueueUrl: string, Attributes: Record<string, string>) =>
  local().sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));

describe('a queue', () => {
  it('is created once with the same attributes, and refused with others', async () => {
    const attributes = { VisibilityTimeout: '45', MaximumMessageSize: '2048', Policy: '{"Statement": [{}]}' };
    const url = await create('same', attributes);
    expect(url).toBe(`${local().server.url}/000000000000/same`);
    expect(await create('same', { ...attributes, Policy: '{"Statement":[{}]}' })).toBe(url);
    expect(await create('same')).toBe(url);
    const error = { name: 'QueueNameExists', Code: 'QueueAlreadyExists' };
    await expect(create('same', { VisibilityTimeout: '46' })).rejects.toMatchObject(error);
    await expect(create('same', { MaximumMessageSize: '4096' })).rejects.toMatchObject(error);
    await expect(create('same', { ReceiveMessageWaitTimeSeconds: '1' })).rejects.toMatchObject(error);
  });

  it('has the attributes of SQS, with the defaults of SQS', async () => {
    const url = await create('defaults');
    const { CreatedTimestamp, LastModifiedTimestamp, ...others } = await attributesOf(url);
    expect(Math.abs(Number(CreatedTimestamp) - Date.now() / 1000)).toBeLessThan(60);
    expect(LastModifiedTimestamp).toBe(CreatedTimestamp);
    expect(others).toEqual({
      QueueArn: arn('defaults'),
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
      ApproximateNumberOfMessagesDelayed: '0',
      VisibilityTimeout: '30',
      DelaySeconds: '0',
      MessageRetentionPeriod: '345600',
      MaximumMessageSize: '1048576',
      ReceiveMessageWaitTimeSeconds: '0',
      SqsManagedSseEnabled: 'true',
    });
    expect(await attributesOf(url, 'DelaySeconds', 'QueueArn')).toEqual({ DelaySeconds: '0', QueueArn: arn('defaults') });
  });

  it('counts messages that are ready, in flight and delayed', async () => {
    const QueueUrl = await create('counted');
    for (const DelaySeconds of [0, 0, 0, 900]) {
      await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a', DelaySeconds }));
    }
    await local().sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(await attributesOf(QueueUrl)).toMatchObject({
      ApproximateNumberOfMessages: '2',
      ApproximateNumberOfMessagesNotVisible: '1',
      ApproximateNumberOfMessagesDelayed: '1',
    });
  });

  it('takes new attributes, which the HTTP API sees as settings', async () => {
    const url = await create('changed');
    const attributes = {
      VisibilityTimeout: '1',
      DelaySeconds: '2',
      MessageRetentionPeriod: '60',
      KmsMasterKeyId: 'alias/aws/sqs',
    };
    await set(url, attributes);
    expect(await attributesOf(url)).toMatchObject({
      ...attributes,
      SqsManagedSseEnabled: 'false',
      KmsDataKeyReusePeriodSeconds: '300',
    });
    const settings = { visibilityTimeoutSeconds: 1, delaySeconds: 2, retentionSeconds: 60, backoff: null };
    expect(await local().http.call('getQueue', { queue: 'changed' })).toMatchObject(settings);
    await set(url, { KmsMasterKeyId: '' });
    expect(await attributesOf(url)).not.toHaveProperty('KmsMasterKeyId');
  });

  it('is encrypted in one of two ways, and the one that is set ends the other', async () => {
    const url = await create('encrypted');
    const shown = () => attributesOf(url, 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled');
    const both = { KmsMasterKeyId: 'k', SqsManagedSseEnabled: 'true' };
    await expect(set(url, both)).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await expect(create('never', both)).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await set(url, { SqsManagedSseEnabled: 'true' });
    await set(url, { KmsMasterKeyId: 'k', KmsDataKeyReusePeriodSeconds: '6000' });
    expect(await shown()).toEqual({
      KmsMasterKeyId: 'k',
      KmsDataKeyReusePeriodSeconds: '6000',
      SqsManagedSseEnabled: 'false',
    });
    await set(url, { SqsManagedSseEnabled: 'true' });
    expect(await shown()).toEqual({ SqsManagedSseEnabled: 'true' });
  });

  it('refuses values beyond the limits of SQS, unknown attributes, and names that SQS does not allow', async () => {
    const url = await create('limits');
    const invalid = [
      { VisibilityTimeout: '43201' },
      { DelaySeconds: '901' },
      { MessageRetentionPeriod: '59' },
      { MessageRetentionPeriod: '1209601' },
      { MaximumMessageSize: '1023' },
      { ReceiveMessageWaitTimeSeconds: '21' },
      { DelaySeconds: '1.5' },
      ...['no JSON', 'null', '[]', '{}', '{"Statement":[]}', '{"Statement":[1]}'].map((Policy) => ({ Policy })),
      { SqsManagedSseEnabled: 'perhaps' },
    ];
    for (const attributes of invalid) {
      await expect(set(url, attributes), JSON.stringify(attributes)).rejects.toMatchObject({ name: 'InvalidAttributeValue' });
    }
    await expect(set(url, { ContentBasedDeduplication: 'true' })).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    await expect(attributesOf(url, 'Colour')).rejects.toMatchObject({ name: 'InvalidAttributeName' });
    for (const name of ['a b', 'x'.repeat(81), 'a~b', 'ä']) {
      await expect(create(name), name).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
    }
  });

  it('with a smaller message size refuses longer messages', async () => {
    const QueueUrl = await create('small', { MaximumMessageSize: '1024' });
    const send = (length: number) => local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(length) }));
    await send(1024);
    await expect(send(1025)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
  });

  it('has no attributes, tags or permissions of a deleted queue of its name', async () => {
    const first = await create('again', { MaximumMessageSize: '1024' });
    await local().sqs.send(new TagQueueCommand({ QueueUrl: first, Tags: { a: 'b' } }));
    await local().http.call('deleteQueue', { queue: 'again' });
    const second = await create('again');
    expect(await attributesOf(second, 'MaximumMessageSize')).toEqual({ MaximumMessageSize: '1048576' });
    expect((await local().sqs.send(new ListQueueTagsCommand({ QueueUrl: second }))).Tags).toBeUndefined();
  });

  it('that does not exist, or exists no longer, is reported by every action that names it', async () => {
    const QueueUrl = await create('gone');
    await local().sqs.send(new DeleteQueueCommand({ QueueUrl }));
    const error = { name: 'QueueDoesNotExist', Code: 'AWS.SimpleQueueService.NonExistentQueue' };
    const calls = [
      () => local().sqs.send(new GetQueueUrlCommand({ QueueName: 'gone' })),
      () => attributesOf(QueueUrl),
      () => set(QueueUrl, { DelaySeconds: '1' }),
      () => local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' })),
      () => local().sqs.send(new ReceiveMessageCommand({ QueueUrl })),
      () => local().sqs.send(new PurgeQueueCommand({ QueueUrl })),
      () => local().sqs.send(new DeleteQueueCommand({ QueueUrl })),
      () => local().sqs.send(new ListQueueTagsCommand({ QueueUrl })),
      () => local().sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl })),
    ];
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject(error);
  });

  it('can be purged once a minute', async () => {
    const QueueUrl = await create('purged');
    await local().sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
    await local().sqs.send(new PurgeQueueCommand({ QueueUrl }));
    expect((await local().sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
    await expect(local().sqs.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({ name: 'PurgeQueueInProgress' });
  });
});

describe('lists of queues', () => {
  it('show those that begin with a prefix, in pages if the call asks for pages', async () => {
    const urls: string[] = [];
    for (const name of ['page-a', 'page-b', 'page-c']) urls.push(await create(name));
    const list = (more: object) => local().sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'page-', ...more }));
    expect(await list({})).toMatchObject({ QueueUrls: urls });
    const first = await list({ MaxResults: 2 });
    expect(first.QueueUrls).toEqual(urls.slice(0, 2));
    const second = await list({ MaxResults: 2, NextToken: first.NextToken });
    expect(second.QueueUrls).toEqual(urls.slice(2));
    expect(second.NextToken).toBeUndefined();
    const error = { Code: 'InvalidParameterValue', message: expect.stringContaining('NextToken') };
    await expect(list({ MaxResults: 2, NextToken: 'made up' })).rejects.toMatchObject(error);
    expect((await local().sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'no-' }))).QueueUrls).toBeUndefined();
  });

  it('show the sources of a dead-letter queue', async () => {
    const QueueUrl = await create('list-dead');
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('list-dead'), maxReceiveCount: 2 });
    const sources = [await create('list-source-a', { RedrivePolicy }), await create('list-source-b', { RedrivePolicy })];
    const { queueUrls } = await local().sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl }));
    expect(queueUrls).toEqual(sources);
  });
});

describe('tags', () => {
  it('are given at the creation, added, replaced and removed', async () => {
    const { QueueUrl } = await local().sqs.send(
      new CreateQueueCommand({ QueueName: 'tagged', tags: { a: '1', __proto__x: '2' } }),
    );
    await local().sqs.send(new TagQueueCommand({ QueueUrl, Tags: { a: '3', c: '' } }));
    await local().sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['__proto__x', 'absent'] }));
    expect((await local().sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ a: '3', c: '' });
    const many = Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`t${index}`, 'x']));
    const error = { Code: 'InvalidParameterValue' };
    await expect(local().sqs.send(new TagQueueCommand({ QueueUrl, Tags: many }))).rejects.toMatchObject(error);
  });
});

describe('permissions', () => {
  it('are statements of the policy, each under its label', async () => {
    const QueueUrl = await create('permitted');
    const permission = { QueueUrl, Label: 'send', AWSAccountIds: ['123456789012'], Actions: ['SendMessage', 'ReceiveMessage'] };
    await local().sqs.send(new AddPermissionCommand(permission));
    const { Policy } = await attributesOf(QueueUrl, 'Policy');
    expect(JSON.parse(Policy!).Statement).toEqual([
      {
        Sid: 'send',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::123456789012:root' },
        Action: ['SQS:SendMessage', 'SQS:ReceiveMessage'],
        Resource: arn('permitted'),
      },
    ]);
    const error = { Code: 'InvalidParameterValue' };
    await expect(local().sqs.send(new AddPermissionCommand(permission))).rejects.toMatchObject(error);
    const many = { ...permission, Label: 'many', Actions: Array.from({ length: 8 }, () => 'SendMessage') };
    await expect(local().sqs.send(new AddPermissionCommand(many))).rejects.toMatchObject({ name: 'OverLimit' });
    await local().sqs.send(new RemovePermissionCommand({ QueueUrl, Label: 'send' }));
    expect(await attributesOf(QueueUrl, 'Policy')).toEqual({});
    const again = new RemovePermissionCommand({ QueueUrl, Label: 'send' });
    await expect(local().sqs.send(again)).rejects.toMatchObject(error);
  });
});
