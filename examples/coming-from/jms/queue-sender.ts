/** Point to point: sends messages to a queue, with a property and a priority, the last one for later. */
import { dumbwaiter } from '../../connect.ts';

const bookings = dumbwaiter.queue<string>('bookings');
await bookings.ensure({ priority: { levels: 10 } });
await bookings.publish({ body: 'table for two', priority: 4, attributes: { room: 'garden' } });
await bookings.publish({ body: 'table for nine', priority: 9, attributes: { room: 'hall' } });
await bookings.publish({ body: 'call back', priority: 4, delaySeconds: 1 });
console.log('sent 3');
