/** The calls of `peers.ts`, each through the client library that users of that server have. */
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { Scope } from '../../contract/contract.ts';
import { Dumbwaiter } from '../../sdk/index.ts';

/** One worker of one server. It makes one request for each call, whatever other workers do. */
export interface Worker {
  createQueue(queue: string): Promise<void>;
  send(queue: string, bodies: readonly string[]): Promise<void>;
  /** Receives up to `max` messages and deletes them. Returns how many. */
  receiveAndDelete(queue: string, max: number): Promise<number>;
  close(): void;
}

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
}

/** What emulators accept. */
const anyKey: AccessKey = { accessKeyId: 'bench', secretAccessKey: 'bench' };

export function sqsWorker(endpoint: string, credentials = anyKey): Worker {
  const client = new SQSClient({ endpoint, region: 'us-east-1', credentials });
  const urls = new Map<string, string>();
  const urlOf = (queue: string) => urls.get(queue) ?? `${endpoint}/000000000000/${queue}`;
  return {
    async createQueue(queue) {
      urls.set(queue, (await client.send(new CreateQueueCommand({ QueueName: queue }))).QueueUrl!);
    },
    async send(queue, bodies) {
      const [MessageBody, ...others] = bodies;
      const QueueUrl = urlOf(queue);
      if (others.length === 0) {
        await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
        return;
      }
      const Entries = bodies.map((body, index) => ({ Id: String(index), MessageBody: body }));
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      if (Failed.length > 0) throw new Error(`${Failed.length} of ${bodies.length} messages were refused`);
    },
    async receiveAndDelete(queue, max) {
      const QueueUrl = urlOf(queue);
      const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: max }));
      const [first, ...others] = Messages;
      if (first === undefined) return 0;
      if (others.length === 0) {
        await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first.ReceiptHandle }));
        return 1;
      }
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      if (Failed.length > 0) throw new Error(`${Failed.length} of ${Messages.length} messages were not deleted`);
      return Messages.length;
    },
    close: () => client.destroy(),
  };
}

/** Dumbwaiter verifies signatures. */
export async function issueAccessKey(url: string, apiKey: string): Promise<AccessKey> {
  const scopes: Scope[] = ['publish', 'receive', 'admin'];
  const created = await new Dumbwaiter({ url, apiKey }).keys.create({ name: 'bench', queues: ['*'], scopes, accessKey: true });
  const { accessKeyId, secretAccessKey } = created;
  return { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey! };
}

export function dumbwaiterWorker(url: string, apiKey: string): Worker {
  const client = new Dumbwaiter({ url, apiKey });
  return {
    async createQueue(queue) {
      await client.queue(queue).create();
    },
    async send(queue, bodies) {
      const results = await client.queue(queue).publish(bodies.map((body) => ({ body })));
      if (results.some(({ ok }) => !ok)) throw new Error('a message was refused');
    },
    async receiveAndDelete(queue, max) {
      const messages = await client.queue(queue).receive({ max });
      if (messages.length === 0) return 0;
      const results = await client.queue(queue).ack(messages);
      if (results.some(({ ok }) => !ok)) throw new Error('an ack was refused');
      return messages.length;
    },
    close: () => undefined,
  };
}
