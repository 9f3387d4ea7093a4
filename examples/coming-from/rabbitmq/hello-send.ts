/** Hello: sends one message to a queue. */
import { dumbwaiter } from '../../connect.ts';

const hello = dumbwaiter.queue<string>('hello');
await hello.create();
await hello.publish({ body: 'Good morning' });
console.log('sent Good morning');
