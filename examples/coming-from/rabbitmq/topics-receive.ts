/** Topics: prints messages whose subject matches, such as `topics-receive.ts "kitchen.>"` or `topics-receive.ts "*.*.error"`. */
import { dumbwaiter } from '../../connect.ts';

const events = dumbwaiter.topic<string>('events-by-subject');
await events.create();
const broadcast = await events.broadcast(({ body, attributes }) => console.log(`${attributes.subject}: ${body}`), {
  subject: process.argv[2] ?? '>',
});
console.log('waiting');
process.once('SIGINT', () => broadcast.stop());
await broadcast.consumer.done;
