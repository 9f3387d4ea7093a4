/** Random calls by several callers, with random jumps of the clock: the engine answers as the model allows. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { allStoreKinds, driveEngine, type StoreKind } from '../support/driven-engine.ts';
import { testSeed } from '../support/seed.ts';
import { command } from './commands.ts';
import { Play } from './play.ts';

const runs = { memory: 250, sqlite: 60, dynamo: 12 } as const;
const steps = { memory: 60, sqlite: 60, dynamo: 40 } as const;

describe.each(allStoreKinds.map((kind) => [kind.name, kind] as const))('the queue on %s', (_, kind: StoreKind) => {
  let started: Awaited<ReturnType<StoreKind['start']>>;
  beforeAll(async () => {
    started = await kind.start();
  });
  afterAll(() => started.stop());

  it('the queue answers as the model allows, whatever sequence of calls is made', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: steps[kind.name], size: 'max' }), fc.nat(), async (commands, seed) => {
        const play = new Play(await driveEngine(started.open, seed));
        await play.begin();
        for (const one of commands) await play.do(one);
        await play.end();
      }),
      { numRuns: runs[kind.name], seed: testSeed },
    );
  }, 240_000);
});
