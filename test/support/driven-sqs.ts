/** A local server with its SQS face open, and with a clock that the test advances. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { seededRandom } from '../../engine/port/random.ts';
import { serveLocally } from '../../functions/local/server.ts';
import { createDrivenClock, type DrivenClock } from './driven-clock.ts';
import { allStoreKinds, type StoreKind } from './driven-engine.ts';
import { adminKey, httpCalls, loggedDefects } from './local-queue.ts';
import { type LocalSqs, sqsClient } from './local-sqs.ts';
import { testSeed } from './seed.ts';

export interface DrivenSqs extends Pick<LocalSqs, 'sqs' | 'http'> {
  clock: DrivenClock;
}

/** A server in memory for all tests of a file. */
export function drivenSqsForTests(): () => DrivenSqs {
  return drivenSqsOn(allStoreKinds[0]!);
}

/** Runs a suite on every store. */
export function drivenSqsOnEachStore(suite: (local: () => DrivenSqs, store: StoreKind['name']) => void): void {
  for (const kind of allStoreKinds) describe(`on ${kind.name}`, () => suite(drivenSqsOn(kind), kind.name));
}

/** Calls that wait, such as a long poll or a purge, end when the test advances the clock. */
function drivenSqsOn(kind: StoreKind): () => DrivenSqs {
  let driven: DrivenSqs;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const clock = createDrivenClock();
    clock.leaping = false;
    const { log, defects } = loggedDefects();
    const opened = await kind.start();
    const { store } = await opened.open(clock);
    const parts = { store, clock, random: seededRandom(testSeed) };
    const serving = await serveLocally({ log, adminKey, sqsAnonymous: true, holder: 'test' }, parts);
    const sqs = sqsClient(serving.url);
    driven = { clock, sqs, http: httpCalls(serving.url, adminKey) };
    close = async () => {
      sqs.destroy();
      await serving.stop();
      await opened.stop();
      expect(defects).toEqual([]);
    };
  });
  afterAll(() => close());
  return () => driven;
}
