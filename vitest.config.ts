import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const conditions = ['@slipway/source'];

/** Tests run on the sources: the custom condition makes every package resolve to its `src`. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // Tests wait for servers and child processes more than they compute: a core is not kept free.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'actions/*/src/**/*.test.ts'] },
      },
      {
        extends: true,
        test: { name: 'whole', include: ['test/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 300_000 },
      },
    ],
  },
});
