import { defineConfig } from 'vitest/config';

/** The tests that say something about the mutated TypeScript files, and need no server. */
export default defineConfig({
  test: {
    include: [
      ...['test/coherence.test.ts', 'test/key.test.ts', 'test/codec.test.ts', 'test/attributes.test.ts'],
      ...['test/stream/handler.test.ts', 'test/store/memory.test.ts'],
    ],
    setupFiles: ['test/support/seed.ts', 'proof/mutants/fast-check.ts'],
    testTimeout: 20_000,
  },
});
