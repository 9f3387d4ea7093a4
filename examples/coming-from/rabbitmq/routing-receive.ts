/** Routing: prints the log lines of some severities, such as `routing-receive.ts warning error`. */
import { dumbwaiter } from '../../connect.ts';

const logs = dumbwaiter.topic<string>('logs-by-severity');
await logs.create();
const broadcast = await logs.broadcast(({ body, attributes }) => console.log(`${attributes.severity}: ${body}`), {
  filter: { severity: process.argv.slice(2) },
});
console.log('waiting');
process.once('SIGINT', () => broadcast.stop());
await broadcast.consumer.done;
