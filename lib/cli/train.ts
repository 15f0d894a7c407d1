import { Command, Option } from 'commander';
import { atLeast, finite } from './options.js';
import type { TrainOptions } from './trainrun.js';

/** `convforge train`: trains a classifier of images. */
export function trainCommand(): Command {
  return new Command('train')
    .description('train a classifier of images; without options on the handwritten digits that come with the package')
    .option(
      '-d, --data <data>',
      'digits, mnist, fashion-mnist, cifar10, or a folder of images: train/ and test/ with a folder for each class, or the ' +
        'classes alone, of which a fifth is held out',
      'digits',
    )
    .option(
      '-m, --model <name>',
      'cnn (small, for images of any size), lenet5, cifarResnet18, resnet18, resnet50, vgg11Bn, mobilenetV2, squeezenet, …',
      'cnn',
    )
    .option('-e, --epochs <n>', 'passes over the training images', atLeast(1), 10)
    .option('-b, --batch-size <n>', 'images in a step', atLeast(1), 64)
    .option('--lr <rate>', 'learning rate (default: 0.003, with sgd 0.05)', finite)
    .addOption(
      new Option('--optimizer <name>', 'rule of the updates').choices(['adamw', 'adam', 'sgd']).default('adamw'),
    )
    .option('--weight-decay <number>', 'shrinking of the weights (default: 0.01, with sgd 0.0005, with adam 0)', finite)
    .addOption(
      new Option('--schedule <name>', 'course of the learning rate: up and down once, down along a cosine, or none')
        .choices(['onecycle', 'cosine', 'constant'])
        .default('onecycle'),
    )
    .option('--label-smoothing <share>', 'share of each label that is spread over all classes', finite, 0)
    .option('--patience <n>', 'stop after so many epochs without better accuracy (default: never)', atLeast(1))
    .option('--size <pixels>', 'resize and cut images to so many pixels square', atLeast(4))
    .option('--augment', 'shift images at random, and mirror photographs (default for photographs)')
    .option('--no-augment', 'show images as they are')
    .option('--workers <n>', 'threads that load images; 0: none of their own', atLeast(0), 0)
    .option('--threads <n>', 'threads that compute (default: all cores)', atLeast(1))
    .option('--seed <n>', 'seed of everything random', atLeast(0), 1)
    .option('-o, --out <folder>', 'where checkpoints, history and curves go (default: a new folder in runs/)')
    .addOption(
      new Option(
        '--resume',
        'go on with the training in the folder of --out, with its options but for those given',
      ).conflicts('overwrite'),
    )
    .option('--overwrite', 'replace the training in the folder of --out')
    .option('--no-compile', 'run steps op by op')
    .action(async (options: TrainOptions, command: Command) => {
      const { optionsOf, runTrain } = await import('./trainrun.js');
      const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
      const given = Object.fromEntries(Object.entries(options).filter(([name]) => isGiven(name)));
      await runTrain({ ...options, ...(options.resume ? await optionsOf(options.out) : {}), ...given }, console.log);
    });
}
