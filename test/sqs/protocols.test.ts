/** What the two protocols look like on the wire, and which requests are calls of SQS. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { CreateQueueCommand, GetQueueUrlCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocal } from '../../functions/local/server.ts';
import { startProgram } from '../support/local-program.ts';
import { adminKey, loggedDefects } from '../support/local-queue.ts';
import { elements, json, type LocalSqs, query, sqsClient, startLocalSqs } from '../support/local-sqs.ts';

let local: LocalSqs;
let url: string;
beforeAll(async () => {
  local = await startLocalSqs();
  url = local.server.url;
  await local.sqs.send(new CreateQueueCommand({ QueueName: 'wire' }));
});
afterAll(async () => {
  expect(local.defects).toEqual([]);
  await local.close();
});

describe('the body of a request', () => {
  it('is refused if it is too large, whether its length is declared or not', async () => {
    const headers = { 'x-amz-target': 'AmazonSQS.ListQueues' };
    const body = new Uint8Array(8 * 1024 * 1024 + 1);
    for (const sent of [{ body }, { body: new Blob([body]).stream(), duplex: 'half' as const }]) {
      const response = await fetch(url, { method: 'POST', headers, ...sent });
      expect([response.status, await response.json()]).toMatchObject([
        413,
        { __type: 'com.amazonaws.sqs#RequestEntityTooLarge' },
      ]);
    }
  });

  it('that is cut off sends no message', async () => {
    const body = JSON.stringify({ QueueUrl: 'wire', MessageBody: 'cut off' });
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const head = [
      'POST / HTTP/1.1',
      'host: localhost',
      'x-amz-target: AmazonSQS.SendMessage',
      `content-length: ${body.length + 1}`,
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`).resume();
    await once(socket, 'close');
    const { output } = await json(url, 'ReceiveMessage', { QueueUrl: 'wire' });
    expect(output).toEqual({});
  });
});

describe('the Query protocol', () => {
  it('sends, receives and deletes a message, by POST on the URL of the queue', async () => {
    const queue = `${url}/000000000000/wire`;
    const body = 'a <b> & "c" \r\n\'d\' 😀';
    const sent = await query(queue, {
      Action: 'SendMessage',
      MessageBody: body,
      'MessageAttribute.1.Name': 'n',
      'MessageAttribute.1.Value.DataType': 'Number',
      'MessageAttribute.1.Value.StringValue': '1.50',
      'MessageAttribute.2.Name': 'bytes',
      'MessageAttribute.2.Value.DataType': 'Binary',
      'MessageAttribute.2.Value.BinaryValue': 'AP8=',
      'MessageSystemAttribute.1.Name': 'AWSTraceHeader',
      'MessageSystemAttribute.1.Value.DataType': 'String',
      'MessageSystemAttribute.1.Value.StringValue': 'Root=1',
    });
    expect(sent).toMatchObject({ status: 200 });
    expect(sent.xml).toMatch(
      /^<\?xml version="1.0"\?><SendMessageResponse xmlns="http:\/\/queue.amazonaws.com\/doc\/2012-11-05\/"><SendMessageResult>/,
    );
    const digest = createHash('md5').update(body).digest('hex');
    expect(elements(sent.xml, 'MD5OfMessageBody')).toEqual([digest]);
    const asked = { Action: 'ReceiveMessage', 'AttributeName.1': 'All', 'MessageAttributeName.1': '.*' };
    const { xml } = await query(queue, asked);
    expect(elements(xml, 'Body')).toEqual([body]);
    expect(elements(xml, 'MD5OfBody')).toEqual([digest]);
    expect(xml).toContain(
      '<MessageAttribute><Name>n</Name><Value><DataType>Number</DataType><StringValue>1.50</StringValue></Value></MessageAttribute>',
    );
    expect(xml).toContain('<Name>bytes</Name><Value><DataType>Binary</DataType><BinaryValue>AP8=</BinaryValue></Value>');
    expect(xml).toContain('<Attribute><Name>AWSTraceHeader</Name><Value>Root=1</Value></Attribute>');
    expect(elements(xml, 'MD5OfMessageAttributes')).toEqual(elements(sent.xml, 'MD5OfMessageAttributes'));
    const [ReceiptHandle] = elements(xml, 'ReceiptHandle');
    const deleted = await query(queue, { Action: 'DeleteMessage', ReceiptHandle: ReceiptHandle! });
    expect(deleted.xml).toMatch(
      /<DeleteMessageResponse xmlns="[^"]+"><ResponseMetadata><RequestId>[^<]+<\/RequestId><\/ResponseMetadata><\/DeleteMessageResponse>$/,
    );
    expect((await query(queue, asked)).xml).toContain('<ReceiveMessageResult></ReceiveMessageResult>');
  });

  it('reads numbered entries, attributes, tags and names, and writes the results of a batch', async () => {
    const created = await query(url, {
      Action: 'CreateQueue',
      QueueName: 'numbered',
      'Attribute.1.Name': 'VisibilityTimeout',
      'Attribute.1.Value': '7',
      'Attribute.2.Name': 'DelaySeconds',
      'Attribute.2.Value': '0',
      'Tag.1.Key': 'team',
      'Tag.1.Value': 'a & b',
    });
    const [QueueUrl] = elements(created.xml, 'QueueUrl') as [string];
    expect(QueueUrl).toBe(`${url}/000000000000/numbered`);
    const { xml } = await query(url, { Action: 'GetQueueAttributes', QueueUrl, 'AttributeName.1': 'VisibilityTimeout' });
    expect(xml).toContain('<Attribute><Name>VisibilityTimeout</Name><Value>7</Value></Attribute>');
    const tags = await query(url, { Action: 'ListQueueTags', QueueUrl });
    expect(tags.xml).toContain('<Tag><Key>team</Key><Value>a &amp; b</Value></Tag>');
    const batch = await query(url, {
      Action: 'SendMessageBatch',
      QueueUrl,
      'SendMessageBatchRequestEntry.2.Id': 'second',
      'SendMessageBatchRequestEntry.2.MessageBody': 'b',
      'SendMessageBatchRequestEntry.2.DelaySeconds': '901',
      'SendMessageBatchRequestEntry.1.Id': 'first',
      'SendMessageBatchRequestEntry.1.MessageBody': 'a',
    });
    expect(elements(batch.xml, 'SendMessageBatchResultEntry').map((one) => elements(one, 'Id')[0])).toEqual(['first']);
    expect(elements(batch.xml, 'BatchResultErrorEntry')[0]).toContain('<Id>second</Id><SenderFault>true</SenderFault>');
    const listed = await query(url, { Action: 'ListQueues', QueueNamePrefix: 'numbered' });
    expect(elements(listed.xml, 'QueueUrl')).toEqual([QueueUrl]);
  });

  it('takes a GET with its parameters in the query string, and the bare name of a queue for its URL', async () => {
    const get = async (parameters: object) => {
      const response = await fetch(`${url}/?${new URLSearchParams({ Version: '2012-11-05', ...parameters })}`);
      return { status: response.status, xml: await response.text() };
    };
    const named = await get({ Action: 'GetQueueUrl', QueueName: 'wire' });
    expect(elements(named.xml, 'QueueUrl')).toEqual([`${url}/000000000000/wire`]);
    expect(await get({ Action: 'SendMessage', QueueUrl: 'wire', MessageBody: 'by name' })).toMatchObject({ status: 200 });
  });

  it('answers errors with the status and the code of SQS', async () => {
    const cases: [Record<string, string>, number, string][] = [
      [{ Action: 'GetQueueUrl', QueueName: 'nowhere' }, 400, 'AWS.SimpleQueueService.NonExistentQueue'],
      [{ Action: 'DeleteMessage', QueueUrl: 'wire', ReceiptHandle: 'x' }, 404, 'ReceiptHandleIsInvalid'],
      [{ Action: 'SendMessage', QueueUrl: 'wire' }, 400, 'MissingParameter'],
      [{ Action: 'CreateQueue', QueueName: 'a.fifo' }, 400, 'InvalidParameterValue'],
      [{ Action: 'ReceiveMessage', QueueUrl: 'wire', MaxNumberOfMessages: '11' }, 400, 'InvalidParameterValue'],
      [{ Action: 'ReceiveMessage', QueueUrl: 'wire', WaitTimeSeconds: 'x' }, 400, 'InvalidParameterValue'],
      [{ Action: 'Dance' }, 400, 'InvalidAction'],
      [{ QueueName: 'x' }, 400, 'MissingAction'],
    ];
    for (const [parameters, status, code] of cases) {
      const answer = await query(url, parameters);
      expect([answer.status, ...elements(answer.xml, 'Code')], JSON.stringify(parameters)).toEqual([status, code]);
      expect(answer.xml).toContain('<Error><Type>Sender</Type>');
    }
  });
});

describe('the JSON protocol', () => {
  it('answers with the type of AWS JSON 1.0 and a request id', async () => {
    const { status, headers, output } = await json(url, 'SendMessage', { QueueUrl: 'wire', MessageBody: 'a' });
    expect({ status, output }).toMatchObject({ status: 200, output: { MD5OfMessageBody: '0cc175b9c0f1b6a831c399e269772661' } });
    expect(headers.get('content-type')).toBe('application/x-amz-json-1.0');
    expect(headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('answers errors with their type, and the code of the Query protocol in a header', async () => {
    const { status, headers, output } = await json(url, 'GetQueueUrl', { QueueName: 'nowhere' });
    expect({ status, output }).toEqual({
      status: 400,
      output: { __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'The specified queue does not exist.' },
    });
    expect(headers.get('x-amzn-query-error')).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
    const type = async (action: string, input: unknown) => (await json(url, action, input)).output.__type?.split('#')[1];
    expect(await type('Dance', {})).toBe('UnknownOperationException');
    expect(await type('SendMessage', '{')).toBe('SerializationException');
    expect(await type('SendMessage', [])).toBe('SerializationException');
    expect(await type('SendMessage', { QueueUrl: 5, MessageBody: 'a' })).toBe('SerializationException');
  });
});

describe('the JSON protocol, where the Query protocol has other statuses,', () => {
  it('answers 400, which AWS documents for each error of an action', async () => {
    const cases: [action: string, input: object, type: string][] = [
      ['DeleteMessage', { QueueUrl: 'wire', ReceiptHandle: 'x' }, 'ReceiptHandleIsInvalid'],
      ['SendMessage', { QueueUrl: 'https://x/1/ /', MessageBody: 'a' }, 'InvalidAddress'],
      ['ListMessageMoveTasks', { SourceArn: 'arn:aws:sqs:us-east-1:000000000000:gone' }, 'ResourceNotFoundException'],
    ];
    for (const [action, input, type] of cases) {
      const { status, output } = await json(url, action, input);
      expect({ status, type: output.__type }).toEqual({ status: 400, type: `com.amazonaws.sqs#${type}` });
    }
  });
});

describe('the address of a queue', () => {
  it('begins as the caller reached the server, with the prefix of a proxy or in the path', async () => {
    const urlOf = async (path: string, headers: Record<string, string> = {}) => {
      const target = { 'x-amz-target': 'AmazonSQS.GetQueueUrl', ...headers };
      const response = await fetch(`${url}${path}`, { method: 'POST', headers: target, body: '{"QueueName":"wire"}' });
      return ((await response.json()) as { QueueUrl: string }).QueueUrl;
    };
    const { port } = new URL(url);
    expect(await urlOf('/')).toBe(`${url}/000000000000/wire`);
    expect(await urlOf('/stage/')).toBe(`${url}/stage/000000000000/wire`);
    expect(await urlOf('/stage/000000000000/wire')).toBe(`${url}/stage/000000000000/wire`);
    const proxy = { 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/prod' };
    expect(await urlOf('/', proxy)).toBe(`https://127.0.0.1:${port}/prod/000000000000/wire`);
  });

  it('leads a client under a prefix to the queue', async () => {
    const client = sqsClient(`${url}/stage`);
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: 'wire' }));
    const sent = await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'under a prefix' }));
    expect(sent.MessageId).toBeDefined();
    client.destroy();
  });
});

describe('access', () => {
  it('is refused to every signature without --sqs-anonymous, in both protocols', async () => {
    const { log, defects } = loggedDefects();
    const server = await startLocal({ data: 'memory', log, adminKey });
    const client = sqsClient(server.url);
    const refused = client.send(new CreateQueueCommand({ QueueName: 'a' }));
    await expect(refused).rejects.toMatchObject({ Code: 'InvalidClientTokenId', $metadata: { httpStatusCode: 403 } });
    const answer = await query(server.url, { Action: 'ListQueues' });
    expect([answer.status, ...elements(answer.xml, 'Code')]).toEqual([403, 'MissingAuthenticationToken']);
    client.destroy();
    await server.close();
    expect(defects).toEqual([]);
  });

  it('is refused to web pages and under foreign host names', async () => {
    const form = new URLSearchParams({ Action: 'ListQueues', Version: '2012-11-05' });
    for (const headers of [{ origin: 'https://example.org' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
      const response = await fetch(url, { method: 'POST', headers, body: form });
      expect([response.status, ...elements(await response.text(), 'Code')]).toEqual([403, 'AccessDenied']);
    }
    // `fetch` does not send a Host header of its caller's choice.
    const outgoing = request(`${url}/?${form}`, { headers: { host: 'sqs.example.org' } });
    outgoing.end();
    const [foreign] = await once(outgoing, 'response');
    foreign.resume();
    expect(foreign.statusCode).toBe(403);
  });

  it('by any signature is an option of npm start, which then prints what clients need', async () => {
    const program = startProgram(['--memory', '--sqs-anonymous']);
    const { url: started } = await program.listening;
    expect(program.output()).toContain(`export AWS_ENDPOINT_URL_SQS=${started}\n`);
    expect(await query(started, { Action: 'ListQueues' })).toMatchObject({ status: 200 });
    program.process.kill('SIGTERM');
    expect(await program.ended).toBe(0);
  });

  it('by any signature is not offered on an address that others reach', async () => {
    const { log } = loggedDefects();
    const started = startLocal({ data: 'memory', log, adminKey, sqsAnonymous: true, host: '0.0.0.0' });
    await expect(started).rejects.toThrow('loopback');
  });

  it('leaves requests of the HTTP API to the HTTP API', async () => {
    const response = await fetch(`${url}/v1/queues?Action=ListQueues`, { headers: { authorization: `Bearer ${adminKey}` } });
    expect(response.headers.get('content-type')).toContain('json');
    const form = await fetch(`${url}/v1/queues/wire/publish`, { method: 'POST', body: new URLSearchParams({ Action: 'x' }) });
    expect(form.status).toBe(401);
  });
});
