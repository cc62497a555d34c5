import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { isThorough } from './test/support/thorough.js';

/** The files that wait longest, so that the run does not end with one of them alone. */
const SLOW = /journeys|matrix|proof|faults|cli|process-end|findings/;

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(isThorough ? [] : ['test/**/*.{long,alone}.test.ts'])],
    globalSetup: ['test/support/servers.ts'],
    setupFiles: ['test/support/seed.ts', 'test/support/warnings.ts'],
    // Tests run on the oldest Node that is supported, on purpose: the SDK's word that it will not always be is no news.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One more than can work at a time: a third of the time is waited for servers, and for silence. Where time is measured, none.
    maxWorkers: availableParallelism() + (isThorough ? 0 : 1),
    sequence: { sequencer: SlowFirst },
    restoreMocks: true,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
