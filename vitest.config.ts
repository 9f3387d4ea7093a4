import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that share processes, because a process and its packages cost more than the tests of most of them. Each file has its own modules of
 * this repository. It must leave environment variables and globals as it finds them.
 */
const shared = ['test/unit/**/*.test.ts', 'test/engine/**/*.test.ts', 'test/infra/**/*.test.ts'];

/** Sorts the shared files after all others. A process continues only if the next file of the queue may share it. */
class Sequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => Number(other.project.config.isolate) - Number(one.project.config.isolate));
  }
}

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The CDK's own check of each template takes most of a synth. It only prints what it finds; test/infra/stack.test.ts asserts it.
    env: { CDK_VALIDATION: 'false' },
    pool: 'forks',
    // More than two cores: many tests mostly wait for processes, or for what takes its time by a rule.
    maxWorkers: 3,
    sequence: { sequencer: Sequencer },
    projects: [
      {
        extends: true,
        test: {
          name: 'process per file',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/clients/**', 'test/console/**', ...shared],
        },
      },
      {
        extends: true,
        test: { name: 'shared processes', include: shared, isolate: false, setupFiles: ['test/support/fresh-modules.ts'] },
      },
    ],
  },
});
