/** Publishing: at once, delayed, many at a time, and under an id of your own. */
import { DumbwaiterError } from '../sdk/index.ts';
import { dumbwaiter } from './connect.ts';

const mails = dumbwaiter.queue<{ to: string; text: string }>('mails');
await mails.create();

const { id } = await mails.publish({
  body: { to: 'ada@example.com', text: 'Welcome' },
  attributes: { campaign: 'spring', attempt: 1 },
  delaySeconds: 3600,
});
const waiting = await mails.get(id);
console.log(`${waiting.state} until ${waiting.visibleAt}`);

// With an id of your own, the second publish finds the first message and publishes nothing.
const reminder = { id: 'reminder-4711', body: { to: 'ada@example.com', text: 'Remember' } };
await mails.publish(reminder);
const again = await mails.publish(reminder);
console.log(again.duplicate ? 'published before' : 'published twice');

// Each message of a batch has its own result. A refused message does not affect the others.
const results = await mails.publish([
  { body: { to: 'bob@example.com', text: 'Hello' } },
  { body: { to: 'eve@example.com', text: 'Hello' }, delaySeconds: -1 },
]);
for (const result of results) console.log(result.ok ? 'published' : `${result.code}: ${result.message}`);

// For a single message, a refusal is thrown. Its code is one of a closed table.
try {
  await dumbwaiter.queue('nowhere').publish({ body: 'hello?' });
} catch (error) {
  if (!(error instanceof DumbwaiterError)) throw error;
  console.log(error.code, error.retryable);
}

// A body can be bytes.
const pictures = dumbwaiter.queue<Uint8Array>('pictures');
await pictures.create();
await pictures.publish({ body: new Uint8Array([137, 80, 78, 71]) });
const [picture] = await pictures.receive();
console.log(picture?.body.length);
await picture?.ack();
