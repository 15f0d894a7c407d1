import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { CommanderError } from 'commander';
import { setThreads } from '../backend/backend.js';
import { DataLoader, transforms } from '../data/index.js';
import { ArgumentError, check } from '../errors.js';
import type { Module } from '../nn/module.js';
import { crossEntropy } from '../ops/crossentropy.js';
import { Adam, AdamW, CosineAnnealingLR, OneCycleLR, type Optimizer, SGD } from '../optim/index.js';
import { manualSeed } from '../random.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import type { FitResult } from '../train/fitoptions.js';
import { accuracy } from '../train/metrics/index.js';
import { Trainer } from '../train/trainer.js';
import { backendLine } from './backendline.js';
import { type LabelledData, openData } from './labelleddata.js';
import { checkNetwork, makeNetwork } from './networks.js';

/** Options of {@link runTrain}, as the command line has them. */
export interface TrainOptions {
  data: string;
  model: string;
  epochs: number;
  batchSize: number;
  lr?: number;
  optimizer: 'adamw' | 'adam' | 'sgd';
  weightDecay?: number;
  schedule: 'onecycle' | 'cosine' | 'constant';
  /** 0 … 1 */
  labelSmoothing: number;
  patience?: number;
  size?: number;
  augment?: boolean;
  workers: number;
  threads?: number;
  seed: number;
  out?: string;
  resume?: true;
  overwrite?: true;
  compile: boolean;
}

/** What `convforge train` notes in a checkpoint, for `convforge eval`. */
export interface TrainNote {
  readonly command: Omit<TrainOptions, 'out' | 'resume' | 'overwrite'>;
  readonly classes: readonly string[];
  readonly imageShape: readonly number[];
}

/** Batches for tests, which keep nothing for a backward pass, may be larger. */
const TEST_BATCH = 256;
/** Share of an image's side by which it is shifted at most. */
const SHIFT = 1 / 8;

/** The options that a training in a folder was started with. */
export async function optionsOf(folder: string | undefined): Promise<Partial<TrainOptions>> {
  check(folder !== undefined, '--resume', () => 'goes with --out, the folder of the training', ArgumentError);
  const path = join(folder, 'last.safetensors');
  check(existsSync(path), '--resume', () => `there is no ${path} to go on from`, ArgumentError);
  return noteOf('--resume', path, (await loadCheckpoint(path)).metadata).command;
}

/** What the command noted in a checkpoint. */
export function noteOf(operation: string, path: string, metadata: Readonly<Record<string, unknown>>): TrainNote {
  const note = metadata as Partial<TrainNote>;
  check(
    typeof note.command === 'object' && Array.isArray(note.classes) && Array.isArray(note.imageShape),
    operation,
    () => `${path} is a checkpoint of another program: it does not say what it was trained on`,
    ArgumentError,
  );
  return note as TrainNote;
}

/** Trains, and says how good the network is now. */
export async function runTrain(options: TrainOptions, print: (line: string) => void): Promise<FitResult> {
  const { epochs, batchSize, seed, workers, patience, labelSmoothing, resume, overwrite, compile } = options;
  const folder = options.out ?? freshFolder(join('runs', `${nameOf(options.data)}-${options.model}`));
  if (options.threads !== undefined) setThreads(options.threads);
  manualSeed(seed);
  // Before data is loaded, and perhaps downloaded.
  checkNetwork(options.model);
  const data = await openData(options.data, options);
  const model = makeNetwork(options.model, { inChannels: data.imageShape[0], numClasses: data.classes.length });
  print(describe(data, options));
  print(`${model.summary([1, ...data.imageShape])}\n`);

  const train = new DataLoader(data.train, {
    ...{ batchSize, shuffle: true, seed, workers },
    transform: transformOf(data, options.augment ?? data.canFlip),
  });
  const test = new DataLoader(data.test, { batchSize: TEST_BATCH, workers, transform: data.prepare });
  const { out, resume: _, overwrite: __, ...command } = options;
  const note: TrainNote = { command, classes: data.classes, imageShape: data.imageShape };
  const optimizer = makeOptimizer(model, options);
  const trainer = new Trainer({
    ...{ model, optimizer, metrics: { accuracy }, compile, ...scheduleOf(optimizer, options, train.length) },
    loss: (scores, labels) => crossEntropy(scores, labels, { labelSmoothing }),
  });
  try {
    const result = await trainer.fit(train, {
      ...{ epochs, validation: test, monitor: 'validation.accuracy', folder, resume: resume ?? false, overwrite },
      earlyStopping: patience === undefined ? undefined : { patience },
      metadata: { ...note },
    });
    print(`\n${outcome(result, folder)}`);
    if (result.stopped === 'interrupted') throw new CommanderError(130, 'convforge.interrupted', 'interrupted');
    return result;
  } finally {
    await Promise.all([train.close(), test.close()]);
  }
}

function makeOptimizer(model: Module, { optimizer, lr, weightDecay }: TrainOptions): Optimizer {
  const parameters = model.parameters();
  if (optimizer === 'sgd') {
    return new SGD(parameters, { lr: lr ?? 0.05, momentum: 0.9, nesterov: true, weightDecay: weightDecay ?? 5e-4 });
  }
  const Rule = optimizer === 'adam' ? Adam : AdamW;
  return new Rule(parameters, { lr: lr ?? 3e-3, weightDecay });
}

/** The course of the learning rate over the whole training. */
function scheduleOf(optimizer: Optimizer, { schedule, epochs }: TrainOptions, stepsPerEpoch: number) {
  const { lr } = optimizer;
  if (schedule === 'onecycle') {
    const scheduler = new OneCycleLR(optimizer, { maxLr: lr, epochs, stepsPerEpoch });
    return { scheduler, schedulerInterval: 'step' as const };
  }
  return schedule === 'cosine' ? { scheduler: new CosineAnnealingLR(optimizer, { tMax: epochs }) } : {};
}

/** What happens to images of the training before the network sees them. */
function transformOf({ prepare, imageShape, canFlip }: LabelledData, augment: boolean) {
  const [, h, w] = imageShape;
  const padding = Math.max(1, Math.round(SHIFT * Math.min(h, w)));
  const shifted = new transforms.RandomCrop([h, w], { padding });
  const random = augment ? [shifted, ...(canFlip ? [new transforms.RandomHorizontalFlip()] : [])] : [];
  const all = [...(prepare ? [prepare] : []), ...random];
  return all.length ? new transforms.Compose(all) : undefined;
}

function describe({ train, test, classes, imageShape }: LabelledData, { data }: TrainOptions): string {
  const [c, h, w] = imageShape;
  return [
    backendLine(),
    `${data}: ${train.length} images to train on and ${test.length} to test with, ${h}×${w}, ${c} ${c === 1 ? 'channel' : 'channels'}, ${classes.length} classes\n`,
  ].join('\n');
}

function outcome({ best, history, stopped, step }: FitResult, folder: string): string {
  const reasons: Record<FitResult['stopped'], string> = {
    finished: '',
    earlyStopping: ', stopped as it got no better',
    aborted: ', aborted',
    interrupted: `, interrupted; go on with: convforge train --resume --out ${folder}`,
    stopped: ', stopped',
  };
  const epochs = `${history.length} ${history.length === 1 ? 'epoch' : 'epochs'}, ${step} updates${reasons[stopped]}`;
  if (!best) return `${epochs}\n${join(folder, 'last.safetensors')}: where it stopped`;
  return [
    epochs,
    `best: ${(100 * best.value).toFixed(2)} % of the test images read rightly, after epoch ${best.epoch}`,
    `${folder}: best.safetensors, last.safetensors, history.jsonl, curves.svg, curves.png`,
    `look at it: convforge eval ${join(folder, 'best.safetensors')} --pictures ${join(folder, 'pictures')}`,
  ].join('\n');
}

/** The folder, or with the first number that makes it a new one. */
function freshFolder(path: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${path}-${number}`;
    if (!existsSync(candidate)) return candidate;
  }
}

/** A name for a folder: of a path its last part, also where that is the current folder. */
function nameOf(data: string): string {
  return basename(resolve(data)) || 'data';
}
