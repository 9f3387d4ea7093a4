/** Deduplication: of messages under one key, one at a time; the newest content, once things are quiet. */
import { dumbwaiter } from './connect.ts';

const pages = dumbwaiter.queue<{ page: string; edit: number }>('pages');
await pages.create({ deduplication: { windowSeconds: null, onDuplicate: 'debounce' } });

// Each edit puts the work off by a second, and says what is to be done then.
for (const edit of [1, 2, 3]) {
  const { id, duplicate } = await pages.publish({ dedupKey: 'home', body: { page: 'home', edit }, delaySeconds: 1 });
  console.log(`${id}: ${duplicate ? 'put off' : 'published'}`);
}
const [message] = await pages.receive({ waitSeconds: 5 });
console.log(`edit ${message?.body.edit} of ${message?.body.page}`);
await message?.ack();
