import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Each file in a process of its own: backend, ISA and thread settings are process-wide.
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
