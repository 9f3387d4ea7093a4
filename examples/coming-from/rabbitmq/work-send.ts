/** Work queues: adds a task, such as `work-send.ts photo.jpg 2`. The second argument says how many seconds it takes. */
import { dumbwaiter } from '../../connect.ts';

const [file = 'photo.jpg', seconds = '1'] = process.argv.slice(2);
const resizes = dumbwaiter.queue<{ file: string; seconds: number }>('resizes');
await resizes.ensure({ visibilityTimeoutSeconds: 10 });
await resizes.publish({ body: { file, seconds: Number(seconds) } });
console.log(`added ${file}`);
