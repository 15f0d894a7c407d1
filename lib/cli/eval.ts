import { Command } from 'commander';
import type { EvalOptions } from './evalrun.js';
import { atLeast } from './options.js';

/** `convforge eval`: tells how good a trained classifier is, and shows what it sees. */
export function evalCommand(): Command {
  return new Command('eval')
    .description('tell how good a classifier is that convforge train has made, class by class, and draw what it sees')
    .argument('<checkpoint>', 'best.safetensors or last.safetensors of a training')
    .option('-d, --data <data>', 'other data than that of the training, as with convforge train')
    .option('-k, --top-k <n>', 'count also how often the class is among the n best', atLeast(1), 5)
    .option('--threads <n>', 'threads that compute (default: all cores)', atLeast(1))
    .option('-p, --pictures <folder>', 'draw confusion matrix, worst mistakes, kernels, feature maps and Grad-CAM')
    .option('--json', 'print the figures as JSON')
    .action(async (checkpoint: string, options: EvalOptions) => {
      const { runEval } = await import('./evalrun.js');
      await runEval(checkpoint, options, console.log);
    });
}
