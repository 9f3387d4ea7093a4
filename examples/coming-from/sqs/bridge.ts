/**
 * Moves the messages of an SQS queue into a queue here, each exactly once: `bridge.ts <source URL> <queue>`. It can be killed at any
 * moment and started again. A message is deleted from SQS only after its publish was answered, and its id here is made of its
 * `MessageId`. So a message that SQS delivers again is a duplicate, which publishes nothing. It ends when the source is empty.
 */
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { dumbwaiter } from '../../connect.ts';

const [source = '', name = ''] = process.argv.slice(2);
// AWS_ENDPOINT_URL_SQS may name the server here. The source is where its URL says.
const sqs = new SQSClient({ endpoint: new URL(source).origin });
const queue = dumbwaiter.queue(name);

const textCharsMax = 1024;
const plainName = /^[A-Za-z0-9_.-]{1,128}$/;

/** Attributes as the SQS API here stores them: what is no plain text or number goes into the attribute `sqs`. */
function attributesOf(given: Record<string, MessageAttributeValue> = {}): Record<string, string | number> {
  const attributes: Record<string, string | number> = {};
  const others: Record<string, [type: string, value: string]> = {};
  for (const [key, { DataType = 'String', StringValue, BinaryValue }] of Object.entries(given)) {
    const text = StringValue ?? Buffer.from(BinaryValue ?? []).toString('base64');
    const isPlain = key !== 'sqs' && plainName.test(key) && text.length <= textCharsMax;
    if (isPlain && DataType === 'String') attributes[key] = text;
    else if (isPlain && DataType === 'Number' && String(Number(text)) === text) attributes[key] = Number(text);
    else others[key] = [DataType, text];
  }
  if (Object.keys(others).length > 0) attributes.sqs = JSON.stringify({ attributes: others });
  return attributes;
}

/** Returns the messages that are in the queue here, or were. Others are refused, and stay in the source. */
async function publish(messages: readonly Message[]): Promise<Message[]> {
  const entries = messages.map(({ MessageId, Body, MessageAttributes }) => ({
    // Ids of another Dumbwaiter have a tilde, which an own id may not have.
    id: MessageId!.replaceAll('~', ':'),
    body: Body!,
    attributes: attributesOf(MessageAttributes),
  }));
  const results = await queue.publish(entries);
  for (const result of results) if (!result.ok) console.error(`refused: ${result.code}, ${result.message}`);
  return messages.filter((_, index) => results[index]!.ok);
}

async function isEmpty(): Promise<boolean> {
  const AttributeNames = ['', 'NotVisible', 'Delayed'].map((which) => `ApproximateNumberOfMessages${which}`);
  const asked = new GetQueueAttributesCommand({ QueueUrl: source, AttributeNames: AttributeNames as never });
  return Object.values((await sqs.send(asked)).Attributes!).every((count) => count === '0');
}

let moved = 0;
for (;;) {
  const asked = { QueueUrl: source, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, MessageAttributeNames: ['All'] };
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(asked));
  if (Messages.length === 0 && (await isEmpty())) break;
  if (Messages.length === 0) continue;
  const stored = await publish(Messages);
  if (stored.length === 0) continue;
  const Entries = stored.map(({ MessageId, ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
  await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: source, Entries }));
  moved += stored.length;
}
console.log(`moved ${moved}`);
