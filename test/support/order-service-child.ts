/**
 * The order service as a process that kills itself as by `kill -9`: `node order-service-child.ts <order> <amount> <request>`. It does so
 * before it sends its request of this number to DynamoDB; never for 0. Prints the order that it placed.
 */
import { writeSync } from 'node:fs';
import { Agent } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { orderService } from '../../examples/order-service.ts';

const [id, amount, request] = process.argv.slice(2) as [string, string, string];
let requests = 0;

/** Opens a connection for each request: the caller's calls and the queue's. */
class KillingAgent extends Agent {
  override createConnection(...given: Parameters<Agent['createConnection']>): ReturnType<Agent['createConnection']> {
    if (++requests === Number(request)) process.kill(process.pid, 'SIGKILL');
    return super.createConnection(...given);
  }
}

const client = new DynamoDBClient({ requestHandler: { httpAgent: new KillingAgent({ keepAlive: false }) } });
const service = orderService(client);
await service.place({ id, amount: Number(amount) });
// Synchronous, because a pipe's buffer would die with the process.
writeSync(1, `placed ${id}\n`);
const consumer = service.work({ waitSeconds: 0, visibilityTimeoutSeconds: 1 });
consumer.on('idle', () => consumer.stop());
await consumer.done;
writeSync(1, 'done\n');
