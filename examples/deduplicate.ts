/** Deduplication by key: a burst of publishes becomes one message, with the newest content, after the last of them. */
import { dumbwaiter } from './connect.ts';

const pages = dumbwaiter.queue<{ page: string; edit: number }>('pages');
await pages.create({ deduplication: { windowSeconds: null, onDuplicate: 'debounce' } });

// Each edit postpones the message by a second and replaces its content.
for (const edit of [1, 2, 3]) {
  const { id, duplicate } = await pages.publish({ dedupKey: 'home', body: { page: 'home', edit }, delaySeconds: 1 });
  console.log(`${id}: ${duplicate ? 'put off' : 'published'}`);
}
const [message] = await pages.receive({ waitSeconds: 5 });
console.log(`edit ${message?.body.edit} of ${message?.body.page}`);
await message?.ack();
