/** A work group: consumers of one subscription share its messages. Another subscription gets all of them, too. */
import { dumbwaiter } from './connect.ts';

const photos = dumbwaiter.topic<string>('photos');
await photos.ensure();
await Promise.all([photos.subscription('resize').ensure(), photos.subscription('index').ensure()]);
await photos.publish(['a', 'b', 'c', 'd'].map((name) => ({ body: `${name}.jpg` })));

const resize = photos.subscription('resize').queue();
const workers = [1, 2].map((worker) => resize.consume(({ body }) => console.log(`worker ${worker} resizes ${body}`)));
let done = 0;
for (const worker of workers) {
  worker.on('ack', () => {
    if (++done === 4) for (const one of workers) one.stop();
  });
}
await Promise.all(workers.map((worker) => worker.done));

const { counts } = await photos.subscription('index').describe();
console.log(`${counts?.ready} to index`);
