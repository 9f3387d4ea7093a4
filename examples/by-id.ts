/** A message as a record: rescheduled, edited, made urgent and cancelled, by an id of your own. */
import { dumbwaiter } from './connect.ts';

const reminders = dumbwaiter.queue<string>('reminders');
await reminders.create({ priority: { levels: 3, order: 'strict' } });

await reminders.publish({ id: 'call-ada', body: 'call Ada', deliverAt: '2030-01-01T09:00:00Z' });
await reminders.reschedule('call-ada', { deliverAt: '2030-01-02T09:00:00Z' });
await reminders.edit('call-ada', { body: 'call Ada, she asked twice', priority: 2 });
const { state, body, visibleAt, priority } = await reminders.get('call-ada');
console.log(`${state} until ${visibleAt}, priority ${priority}: ${body}`);

await reminders.cancel('call-ada');
await reminders.get('call-ada').catch(({ code }) => console.log(code));
