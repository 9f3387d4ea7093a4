/** Point to point: receives with a time limit, and acks after the work, as CLIENT_ACKNOWLEDGE does. */
import { dumbwaiter } from '../../connect.ts';

const bookings = dumbwaiter.queue<string>('bookings');
await bookings.ensure({ priority: { levels: 10 } });
for (;;) {
  const [message] = await bookings.receive({ waitSeconds: 3 });
  if (!message) break;
  console.log(`${message.body} (${message.attributes.room ?? 'no room'})`);
  await message.ack();
}
