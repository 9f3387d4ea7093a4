/** Creates a queue, and sends messages to it with sqs-producer. It finds the server by AWS_ENDPOINT_URL_SQS. */
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Producer } from 'sqs-producer';

const [QueueName, count] = process.argv.slice(2);
const sqs = new SQSClient();
const { QueueUrl: queueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
const producer = Producer.create({ queueUrl, sqs });
const flaky = { kind: { DataType: 'String', StringValue: 'flaky' } };
const messages = Array.from({ length: Number(count) }, (_, at) => ({
  id: `m${at}`,
  body: `message ${at}`,
  ...(at % 10 === 0 && { messageAttributes: flaky }),
}));
console.log(`sent ${(await producer.send(messages)).length}, waiting ${await producer.queueSize()}`);
