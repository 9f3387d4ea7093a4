/** A consumer that is told of messages while it is idle, and so need not ask for them. */
import { dumbwaiter } from './connect.ts';

const alarms = dumbwaiter.queue<string>('alarms');
await alarms.ensure();

const consumer = alarms.consume(({ body }) => console.log(`alarm: ${body}`), { wake: true });

consumer.on('ack', () => consumer.stop());
consumer.on('idle', () => alarms.publish({ body: 'the door is open' }));
await consumer.done;
