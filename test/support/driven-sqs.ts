/** A local server with its SQS face open, in memory, and with a clock that the test advances. */
import { afterAll, beforeAll, expect } from 'vitest';
import { createMemoryStore } from '../../engine/memory/store.ts';
import { seededRandom } from '../../engine/port/random.ts';
import { serveLocally } from '../../functions/local/server.ts';
import { createDrivenClock, type DrivenClock } from './driven-clock.ts';
import { adminKey, httpCalls, loggedDefects } from './local-queue.ts';
import { type LocalSqs, sqsClient } from './local-sqs.ts';
import { testSeed } from './seed.ts';

export interface DrivenSqs extends Pick<LocalSqs, 'sqs' | 'http'> {
  clock: DrivenClock;
}

/** A server for all tests of a file. Calls that wait, such as a long poll or a purge, end when the test advances the clock. */
export function drivenSqsForTests(): () => DrivenSqs {
  let driven: DrivenSqs;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const clock = createDrivenClock();
    clock.leaping = false;
    const { log, defects } = loggedDefects();
    const parts = { store: createMemoryStore({ now: clock.now }), clock, random: seededRandom(testSeed) };
    const serving = await serveLocally({ log, adminKey, sqsAnonymous: true, holder: 'test' }, parts);
    const sqs = sqsClient(serving.url);
    driven = { clock, sqs, http: httpCalls(serving.url, adminKey) };
    close = async () => {
      sqs.destroy();
      await serving.stop();
      expect(defects).toEqual([]);
    };
  });
  afterAll(() => close());
  return () => driven;
}
