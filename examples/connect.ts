/** Connects to the queue that the environment names: use what `npm start` prints, or the outputs of a deployment. */
import { Dumbwaiter } from '../sdk/index.ts';

export const dumbwaiter = new Dumbwaiter({
  url: process.env.DUMBWAITER_URL ?? 'http://127.0.0.1:8420',
  apiKey: process.env.DUMBWAITER_API_KEY ?? '',
});
