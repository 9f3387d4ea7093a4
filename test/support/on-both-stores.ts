/** Runs a suite of the engine over several stores. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { allStoreKinds, type DrivenEngine, driveEngine, type StoreKind, storeKinds } from './driven-engine.ts';

type Suite = (engine: () => DrivenEngine) => void;

/** In memory and on SQLite. `suite` gets a function that returns the engine of the running test. Each test has tables of its own. */
export function onBothStores(what: string, suite: Suite): void {
  onStores(storeKinds, what, suite);
}

/** The same, and on DynamoDB: for suites that together call every operation, and write rows and conditions of every shape. */
export function onEveryStore(what: string, suite: Suite): void {
  onStores(allStoreKinds, what, suite);
}

function onStores(kinds: readonly StoreKind[], what: string, suite: Suite): void {
  describe.each(kinds.map((kind) => [kind.name, kind] as const))(`${what}, on %s`, (_, kind: StoreKind) => {
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
