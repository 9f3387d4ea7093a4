/**
 * An order service on DynamoDB that processes each order exactly once. It stores and publishes an order in one transaction, and charges and
 * acks it in another. You can kill it at any point and start it again.
 */
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ResourceInUseException,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { directTransport } from '../direct/transport.ts';
import { type ConsumerOptions, Dumbwaiter, refusalOfTransaction } from '../sdk/index.ts';

interface Order {
  id: string;
  amount: number;
}

const TableName = process.env.ORDERS_TABLE ?? 'orders';
const till = { id: { S: 'till' } };

export function orderService(client: DynamoDBClient) {
  const dumbwaiter = new Dumbwaiter({ transport: directTransport({ client }) });
  const placed = dumbwaiter.queue<Order>('orders-placed');

  /** Outbox: writes the order's row and its message, or neither. Returns whether the order is new. */
  async function place({ id, amount }: Order): Promise<boolean> {
    const order: TransactWriteItem = {
      Put: {
        TableName,
        Item: { id: { S: id }, amount: { N: String(amount) } },
        ConditionExpression: 'attribute_not_exists(id)',
      },
    };
    const { items } = await placed.publishItems({ body: { id, amount } });
    try {
      await client.send(new TransactWriteItemsCommand({ TransactItems: [order, ...items] }));
      return true;
    } catch (error) {
      if (error instanceof TransactionCanceledException && error.CancellationReasons?.[0]?.Code === 'ConditionalCheckFailed')
        return false;
      throw error;
    }
  }

  /** The effect of an order. If it were applied twice, the order would be charged twice. */
  function charge({ id, amount }: Order): TransactWriteItem[] {
    const ExpressionAttributeValues = { ':amount': { N: String(amount) } };
    const add = { TableName, UpdateExpression: 'ADD charged :amount', ExpressionAttributeValues };
    return [{ Update: { ...add, Key: { id: { S: id } } } }, { Update: { ...add, Key: till } }];
  }

  /** Inbox: the writes that the handler returns are committed together with the message's ack. */
  function work(options: ConsumerOptions = {}) {
    return placed.consume(({ body }) => charge(body), { ...options, transaction: true });
  }

  /** The same by hand. Returns whether a message was processed: false if there was none, or if its lease was lost. */
  async function workOnce(): Promise<boolean> {
    const [message] = await placed.receive({ waitSeconds: 5 });
    if (!message) return false;
    const transaction = [...charge(message.body), ...(await message.ackItems())];
    try {
      await client.send(new TransactWriteItemsCommand({ TransactItems: transaction }));
      return true;
    } catch (error) {
      if (refusalOfTransaction(error, transaction)?.code === 'lease_lost') return false;
      throw error;
    }
  }

  async function open(): Promise<void> {
    const KeySchema = [{ AttributeName: 'id', KeyType: 'HASH' as const }];
    const AttributeDefinitions = [{ AttributeName: 'id', AttributeType: 'S' as const }];
    try {
      await client.send(new CreateTableCommand({ TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' }));
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
    }
    await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName });
    await placed.create();
  }

  async function charged(Key: typeof till): Promise<number> {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
    return Number(Item?.charged?.N ?? 0);
  }

  return {
    open,
    place,
    work,
    workOnce,
    placed,
    inTheTill: () => charged(till),
    chargedFor: (id: string) => charged({ id: { S: id } }),
  };
}

if (import.meta.main) {
  const service = orderService(new DynamoDBClient());
  await service.open();
  for (const amount of [10, 20, 30]) await service.place({ id: `order-${amount}`, amount });
  console.log((await service.place({ id: 'order-30', amount: 30 })) ? 'placed twice' : 'placed before');

  await service.workOnce();
  const consumer = service.work();
  consumer.on('idle', () => consumer.stop());
  await consumer.done;
  console.log(`${await service.inTheTill()} in the till`);
}
