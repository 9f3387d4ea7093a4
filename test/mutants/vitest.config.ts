/**
 * What Stryker runs for each of its mutants: the unit tests and the tests of the engine, on the store in memory alone, and a few
 * histories of the simulation. The quick ones come first, since the first failure ends the run.
 */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const order = ['test/unit/', 'test/engine/', 'test/mutants/'];

function rank({ moduleId }: TestSpecification): number {
  return order.findIndex((folder) => moduleId.includes(folder));
}

class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId));
  }
}

export default defineConfig({
  test: {
    root: '.',
    include: ['test/unit/*.test.ts', 'test/engine/*.test.ts', 'test/mutants/histories.ts'],
    exclude: [
      // Slow, and no judges of the rules that are mutated: what all costs, and schedules.
      'test/engine/{cost,schedules,schedule-crashes}.test.ts',
      'test/unit/schedules/ticks.test.ts',
      // Of other folders, and of the simulation's own parts.
      'test/unit/{call-log,checker-*,keys,mutants,queue-patterns,reference,schemas,sdk-*,simulation}.test.ts',
    ],
    env: { TEST_STORE: 'memory' },
    // No test leaves anything behind in a module, and to load the modules again for each file would take longer than the tests.
    isolate: false,
    maxWorkers: 1,
    sequence: { sequencer: QuickFirst },
    // A mutant that never answers fails its test, which is quicker than waiting for Stryker to give up.
    testTimeout: 20_000,
    pool: 'threads',
  },
});
