import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import { digits } from '../data/digits.js';
import { ConvforgeError } from '../errors.js';
import { loadSafetensors, saveSafetensors } from '../io/safetensors.js';
import { Generator, manualSeed } from '../random.js';
import { backendLine } from './backendline.js';
import { drawDemo } from './demopictures.js';
import { accuracyOf, classify, DigitClassifier, type EpochReport, trainDigits } from './digitclassifier.js';
import { listOf } from './savedpictures.js';

/** What a run of the demo ended with. */
export interface DemoResult {
  /** Share of held-out digits that are read rightly, 0 … 1. */
  accuracy: number;
  imagesPerSecond: number;
  folder: string;
  pictures: string[];
}

/** Options of {@link runDemo}. */
export interface DemoOptions {
  epochs: number;
  seed: number;
  out: string;
  print: (line: string) => void;
}

/** Trains, saves, reloads, checks that both models answer alike, and draws. */
export async function runDemo({ epochs, seed, out, print }: DemoOptions): Promise<DemoResult> {
  print(backendLine());
  manualSeed(seed);
  const generator = new Generator(seed);
  const data = await digits();
  const [train, heldOut] = data.stratifiedSplit(0.2, generator);
  const net = new DigitClassifier();
  print(`${data.length} handwritten digits, ${heldOut.length} of them held out\n`);
  print(`${net.summary([1, 1, 8, 8])}\n`);

  const history: EpochReport[] = [];
  const progress = new TrainingProgress(train.length, epochs, print);
  const start = performance.now();
  trainDigits(net, train, heldOut, {
    epochs,
    generator,
    onBatch: (images) => progress.advance(images),
    onEpoch: (report) => {
      history.push(report);
      progress.report(report);
    },
  });
  const seconds = (performance.now() - start) / 1000;
  progress.stop();

  await mkdir(out, { recursive: true });
  const weights = join(out, 'weights.safetensors');
  await saveSafetensors(weights, net.stateDict());
  const reloaded = new DigitClassifier();
  reloaded.loadStateDict((await loadSafetensors(weights)).tensors);
  const predicted = classify(net, heldOut.images);
  if (accuracyOf(classify(reloaded, heldOut.images), predicted) !== 1) {
    throw new ConvforgeError('ERR_FILE_FORMAT', 'demo: the model reloaded from its file answers differently');
  }

  const accuracy = accuracyOf(predicted, heldOut.labels);
  const imagesPerSecond = (train.length * epochs) / seconds;
  const wrong = Math.round((1 - accuracy) * heldOut.length);
  print(`\naccuracy on held-out digits: ${(100 * accuracy).toFixed(2)} % (${wrong} of ${heldOut.length} misread)`);
  print(`training: ${imagesPerSecond.toFixed(0)} images/s, ${seconds.toFixed(1)} s`);
  print(`weights: ${weights}, reloaded and checked: same answers`);
  const pictures = await drawDemo({ net: reloaded, heldOut, predicted, history, folder: out, generator });
  print(`pictures:\n${listOf(pictures)}`);
  return { accuracy, imagesPerSecond, folder: out, pictures: pictures.map(({ path }) => path) };
}

/** A bar on a terminal, a line an epoch elsewhere. */
class TrainingProgress {
  readonly #bar: SingleBar | null;
  readonly #print: (line: string) => void;
  readonly #epochs: number;
  #done = 0;
  #status = { loss: '–', accuracy: '–' };
  readonly #start = performance.now();

  constructor(images: number, epochs: number, print: (line: string) => void) {
    this.#epochs = epochs;
    this.#print = print;
    const format =
      'training |{bar}| {percentage} %  loss {loss}  accuracy {accuracy}  {rate} images/s  {eta_formatted} left';
    // The training loop is synchronous, so the bar draws when it is told of a batch, not by a timer.
    this.#bar = process.stderr.isTTY ? new SingleBar({ format, synchronousUpdate: true, hideCursor: true }) : null;
    this.#bar?.start(images * epochs, 0, { ...this.#status, rate: '–' });
  }

  advance(images: number): void {
    this.#done += images;
    const rate = this.#done / ((performance.now() - this.#start) / 1000);
    this.#bar?.update(this.#done, { ...this.#status, rate: rate.toFixed(0) });
  }

  report({ epoch, loss, accuracy }: EpochReport): void {
    this.#status = { loss: loss.toFixed(4), accuracy: `${(100 * accuracy).toFixed(2)} %` };
    if (!this.#bar)
      this.#print(`epoch ${epoch} of ${this.#epochs}: loss ${this.#status.loss}, accuracy ${this.#status.accuracy}`);
  }

  stop(): void {
    this.#bar?.stop();
  }
}
