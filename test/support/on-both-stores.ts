/** Runs a suite of the engine over each store. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { type DrivenEngine, driveEngine, type StoreKind, storeKinds } from './driven-engine.ts';

/** `suite` gets a function that returns the engine of the running test. Each test has tables of its own. */
export function onBothStores(what: string, suite: (engine: () => DrivenEngine) => void): void {
  describe.each(storeKinds.map((kind) => [kind.name, kind] as const))(`${what}, on %s`, (_, kind: StoreKind) => {
    let started: Awaited<ReturnType<StoreKind['start']>>;
    let driven: DrivenEngine;
    beforeAll(async () => {
      started = await kind.start();
    });
    afterAll(() => started.stop());
    beforeEach(async () => {
      driven = await driveEngine(started.open);
    });
    suite(() => driven);
  });
}
