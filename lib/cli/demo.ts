import { join } from 'node:path';
import { Command } from 'commander';
import type { DemoOptions } from './demorun.js';
import { atLeast } from './options.js';

/** `convforge demo`: trains on the digits that come with the package and draws what the network learned. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('train a small CNN on real handwritten digits and draw what it learned')
    .option('--epochs <n>', 'passes over the training digits', atLeast(1), 25)
    .option('--seed <n>', 'seed of everything random', atLeast(0), 7)
    .option('-o, --out <folder>', 'where weights and pictures go', join('runs', 'demo'))
    .action(async (options: Omit<DemoOptions, 'print'>) => {
      const { runDemo } = await import('./demorun.js');
      await runDemo({ ...options, print: console.log });
    });
}
