import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that wait longest, so that the run does not end with one of them alone. */
const LONG = /journeys|matrix|proof|faults|process-end|findings/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    setupFiles: ['test/support/seed.ts', 'test/support/warnings.ts'],
    // Tests run on the oldest Node that is supported, on purpose: the SDK's word that it will not always be is no news.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    // One more than can work at a time: a third of the time is waited for servers, and for silence.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongFirst },
    restoreMocks: true,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
