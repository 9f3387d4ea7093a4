/**
 * The order service as a process that kills itself as by `kill -9`: `node order-service-child.ts <order> <amount> <request>`. It does so
 * before it sends its request of this number to DynamoDB; never for 0. Prints the order that it placed.
 */
import { writeSync } from 'node:fs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { orderService } from '../../examples/order-service.ts';

const [id, amount, request] = process.argv.slice(2) as [string, string, string];
const client = new DynamoDBClient();
let requests = 0;
client.middlewareStack.add(
  (next) => async (args) => {
    if (++requests === Number(request)) process.kill(process.pid, 'SIGKILL');
    return next(args);
  },
  { step: 'deserialize', name: 'killAtRequest' },
);

const service = orderService(client);
await service.place({ id, amount: Number(amount) });
// Synchronous, because a pipe's buffer would die with the process.
writeSync(1, `placed ${id}\n`);
const consumer = service.work({ waitSeconds: 0, visibilityTimeoutSeconds: 1 });
consumer.on('idle', () => consumer.stop());
await consumer.done;
writeSync(1, 'done\n');
