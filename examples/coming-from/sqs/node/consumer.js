/** Prints what a queue receives, with sqs-consumer. It finds the server by AWS_ENDPOINT_URL_SQS. Ctrl+C ends it. */
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';

const [QueueName] = process.argv.slice(2);
const sqs = new SQSClient();
const { QueueUrl: queueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
const seen = new Set();
const consumer = Consumer.create({
  queueUrl,
  sqs,
  batchSize: 10,
  waitTimeSeconds: 20,
  visibilityTimeout: 30,
  // Extends the visibility timeout while the handler runs.
  heartbeatInterval: 10,
  // A message whose handler fails is received again at once.
  terminateVisibilityTimeout: true,
  messageAttributeNames: ['All'],
  attributeNames: ['ApproximateReceiveCount'],
  async handleMessage(message) {
    const isFirst = !seen.has(message.MessageId);
    seen.add(message.MessageId);
    if (message.MessageAttributes?.kind?.StringValue === 'flaky' && isFirst) throw new Error('not yet');
    console.log(message.Body, message.Attributes.ApproximateReceiveCount);
    return message;
  },
});
consumer.on('processing_error', () => undefined);
consumer.on('error', (error) => console.error(error.message));
consumer.on('stopped', () => process.exit());
process.on('SIGINT', () => consumer.stop());
consumer.start();
