/** Runs a suite of the engine over each store. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { type DrivenEngine, driveEngine, type StoreKind, storeKinds } from './driven-engine.ts';

/** `suite` is handed a function that answers the engine of the test that runs: fresh tables for each. */
export function onBothStores(what: string, suite: (engine: () => DrivenEngine) => void): void {
  describe.each(storeKinds)(`${what}, on $name`, (kind: StoreKind) => {
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
