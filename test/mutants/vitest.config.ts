/**
 * What Stryker runs for each of its mutants: unit tests, the tests of the engine on the memory store only, and a few histories of the
 * simulation. Fast tests run first, because the first failure ends the run.
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
    include: [
      'test/unit/{context,leases,lifecycle,limits,messages,model,port,publish,receive,sweep}/*.test.ts',
      'test/engine/*.test.ts',
      'test/mutants/histories.ts',
    ],
    // These are slow and do not test the mutated rules.
    exclude: ['test/engine/{cost,schedules,schedule-changes,schedule-crashes,schedule-queues}.test.ts'],
    env: { TEST_STORE: 'memory' },
    // No test changes a module. Loading the modules again for each file would take longer than the tests.
    isolate: false,
    maxWorkers: 1,
    sequence: { sequencer: QuickFirst },
    // A mutant that hangs fails its test sooner than Stryker would stop it.
    testTimeout: 20_000,
    pool: 'threads',
  },
});
