import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // bench/ runs on what is built; its tests, like all others, on the sources
  resolve: {
    alias: [{ find: /^(?:\.\.\/)+dist\/(.*)\.js$/, replacement: fileURLToPath(new URL('lib/$1.ts', import.meta.url)) }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Each file in a process of its own: backend, ISA and thread settings are process-wide.
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
