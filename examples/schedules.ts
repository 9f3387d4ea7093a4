/** Schedules: exactly one message at each tick. */
import { dumbwaiter } from './connect.ts';

const reports = dumbwaiter.queue<{ report: string }>('reports');
await reports.create();

const nightly = await dumbwaiter.schedules.put('nightly-report', {
  queue: 'reports',
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  message: { body: { report: 'sales' } },
});
console.log(`next at ${nightly.nextAt}`);

// Every ten minutes, starting in a second. The put itself publishes the first tick: it does not wait for the next sweep.
await dumbwaiter.schedules.put('stock', {
  queue: 'reports',
  everySeconds: 600,
  startAt: new Date(Date.now() + 1000).toISOString(),
  missed: 'none',
  message: { body: { report: 'stock' } },
});
const [message] = await reports.receive({ waitSeconds: 20 });
console.log(message?.body.report, message?.attributes.schedule, message?.attributes.tick);
await message?.ack();

await dumbwaiter.schedules.pause('stock');
await dumbwaiter.schedules.resume('stock');
for await (const { name, paused } of dumbwaiter.schedules.list()) console.log(name, paused ? 'paused' : 'runs');

await dumbwaiter.schedules.delete('stock');
await dumbwaiter.schedules.delete('nightly-report');
