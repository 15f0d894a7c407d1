import { setThreads } from '../backend/backend.js';
import { DataLoader } from '../data/index.js';
import { ArgumentError, check } from '../errors.js';
import { crossEntropy } from '../ops/crossentropy.js';
import type { Shape } from '../shape.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import { type Classification, type Evaluation, evaluate } from '../train/evaluate.js';
import { drawEvaluation } from './evalpictures.js';
import { openData } from './labelleddata.js';
import { Mistakes } from './mistakes.js';
import { makeNetwork } from './networks.js';
import { listOf } from './savedpictures.js';
import { noteOf } from './trainrun.js';

/** Options of {@link runEval}, as the command line has them. */
export interface EvalOptions {
  data?: string;
  topK: number;
  threads?: number;
  pictures?: string;
  json?: true;
}

const BATCH = 256;
/** Pairs of classes that are named as mixed up most often. */
const MOST_CONFUSED = 5;

/** Runs the test images through a trained network, and says how it does. */
export async function runEval(
  path: string,
  options: EvalOptions,
  print: (line: string) => void,
): Promise<Evaluation & { classification: Classification }> {
  if (options.threads !== undefined) setThreads(options.threads);
  const checkpoint = await loadCheckpoint(path);
  const { command, classes, imageShape } = noteOf('eval', path, checkpoint.metadata);
  const name = options.data ?? command.data;
  const data = await openData(name, { seed: command.seed, size: command.size });
  check(
    data.classes.length === classes.length && `${data.imageShape}` === `${imageShape}`,
    'eval',
    () =>
      `${path} tells ${classes.length} classes of images ${sizes(imageShape)} apart, ${name} has ${data.classes.length} of ${sizes(data.imageShape)}`,
    ArgumentError,
  );
  const other = classes.findIndex((label, i) => label !== data.classes[i]);
  check(
    other < 0,
    'eval',
    () => `class ${other} of ${path} is '${classes[other]}', that of ${name} is '${data.classes[other]}'`,
    ArgumentError,
  );
  const model = makeNetwork(command.model, { inChannels: imageShape[0], numClasses: classes.length });
  model.loadStateDict(checkpoint.weights);
  model.eval();

  const loader = new DataLoader(data.test, { batchSize: BATCH, transform: data.prepare });
  const mistakes = new Mistakes();
  const result = await evaluate(model, loader, {
    ...{ loss: crossEntropy, topK: options.topK, labels: classes },
    onBatch: (output, batch) => mistakes.add(output, batch),
  });
  const { classification } = result;
  check(
    classification !== null,
    'eval',
    () => `there are no figures for so many classes as ${path} tells apart, ${classes.length}`,
    ArgumentError,
  );
  if (options.json) print(JSON.stringify({ checkpoint: path, data: name, ...result }));
  else print(report(path, name, checkpoint.training.epoch, result, classification));
  if (options.pictures !== undefined) {
    const drawn = await drawEvaluation({ model, classes, classification, mistakes, folder: options.pictures });
    if (!options.json) print(listOf(drawn));
  }
  return { ...result, classification };
}

function sizes([c, h, w]: Shape): string {
  return `${h}×${w} with ${c} ${c === 1 ? 'channel' : 'channels'}`;
}

function report(path: string, data: string, epoch: number, result: Evaluation, classification: Classification): string {
  const { topK, report: table, confusionMatrix } = classification;
  const lines = [
    `${path}, after ${epoch} ${epoch === 1 ? 'epoch' : 'epochs'}, on the ${result.samples} test images of ${data}`,
    '',
    String(table),
    `among the ${topK.k} best ${topK.accuracy.toFixed(4)}`,
    `loss ${result.metrics.loss.toFixed(4)}`,
  ];
  const confused = confusionMatrix
    .flatMap((row, i) =>
      row.map((count, j) => ({ count, from: table.classes[i].label, to: table.classes[j].label, i, j })),
    )
    .filter(({ count, i, j }) => i !== j && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_CONFUSED)
    .map(({ count, from, to }) => `${from} taken for ${to} ${count}×`);
  return [...lines, ...(confused.length ? [`most often: ${confused.join(', ')}`] : ['no mistake'])].join('\n');
}
