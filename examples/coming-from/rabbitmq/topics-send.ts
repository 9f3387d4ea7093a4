/** Topics: publishes a message with a subject, such as `topics-send.ts kitchen.oven.error "it is cold"`. */
import { dumbwaiter } from '../../connect.ts';

const [subject = 'shop.door.info', line = 'it is open'] = process.argv.slice(2);
const events = dumbwaiter.topic<string>('events-by-subject');
await events.create();
const { subscriptions } = await events.publish({ subject, body: line });
console.log(`sent to ${subscriptions}`);
