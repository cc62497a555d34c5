import { defineConfig } from 'vitest/config';

/** The tests that run the Lua scripts, those first that find most. Servers are given in the environment. */
export default defineConfig({
  test: {
    include: ['test/store/scripts.test.ts', 'test/store/contract.test.ts', 'test/store/differential.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    testNamePattern: /^(?!.*(?:on memory|Redis Cluster|GLIDE))/,
    setupFiles: ['test/support/seed.ts', 'proof/mutants/fast-check.ts'],
    testTimeout: 20_000,
    env: { DIFFERENTIAL_RUNS: '300' },
    bail: 1,
  },
});
