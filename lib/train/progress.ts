import type { SingleBar } from 'cli-progress';
import type { EpochRecord } from './state.js';

/** Where a training tells of itself: a bar on a terminal, lines elsewhere. */
export type ProgressStream = NodeJS.WritableStream & { isTTY?: boolean };

/** Metrics may take a while to work out, and nobody reads faster. */
const REDRAW_MS = 100;

/** How far an epoch has come. */
export interface EpochProgress {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Batches of it that are done. */
  readonly batch: number;
  readonly values: Readonly<Record<string, number>>;
  readonly imagesPerSecond: number;
}

/** Shows how a training goes. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #epochs: number;
  readonly #batches: number | undefined;
  readonly #Bar: typeof SingleBar | null;
  #bar: SingleBar | null = null;
  #start = 0;
  #first = 0;
  #drawn = 0;

  private constructor(
    stream: ProgressStream,
    epochs: number,
    batches: number | undefined,
    Bar: typeof SingleBar | null,
  ) {
    this.#stream = stream;
    this.#epochs = epochs;
    this.#batches = batches;
    this.#Bar = Bar;
  }

  /** @param batches batches an epoch, if that is known */
  static async to(stream: ProgressStream, epochs: number, batches: number | undefined): Promise<Progress> {
    return new Progress(stream, epochs, batches, stream.isTTY ? (await import('cli-progress')).SingleBar : null);
  }

  /** An epoch begins, or goes on after its first `batch` batches. */
  begin(epoch: number, batch: number): void {
    this.#start = performance.now();
    this.#first = batch;
    if (!this.#Bar) return;
    this.#bar = new this.#Bar({
      stream: this.#stream,
      hideCursor: true,
      clearOnComplete: true,
      // Ctrl-C is the training's: it stops after the step.
      gracefulExit: false,
      format: this.#batches
        ? `epoch ${epoch}/${this.#epochs} |{bar}| {percentage} %  {text}`
        : `epoch ${epoch}/${this.#epochs}  batch {value}  {text}`,
      barsize: 24,
    });
    this.#bar.start(this.#batches ?? 0, batch, { text: '' });
  }

  /** A batch is done; `progress` is asked only when there is something to draw. */
  advance(progress: () => EpochProgress): void {
    const now = performance.now();
    if (!this.#bar || now - this.#drawn < REDRAW_MS) return;
    this.#drawn = now;
    const state = progress();
    this.#bar.update(state.batch, { text: this.#status(state) });
  }

  /** A line on a batch, between the lines on epochs. */
  log(progress: EpochProgress): void {
    const { epoch, batch } = progress;
    const of = this.#batches ? `/${this.#batches}` : '';
    this.say(`epoch ${epoch}/${this.#epochs}, batch ${batch}${of}: ${this.#status(progress)}`);
  }

  /** The epoch is over. */
  end({ epoch, train, validation, lr, imagesPerSecond, seconds }: EpochRecord): void {
    this.#stopBar();
    const parts = [
      format(train),
      ...(validation ? [`validation ${format(validation)}`] : []),
      `lr ${Number(lr.toPrecision(3))}`,
      `${rate(imagesPerSecond)} images/s`,
      duration(seconds),
    ];
    this.say(`epoch ${epoch}/${this.#epochs}: ${parts.join('  ')}`);
  }

  /** A line of its own. */
  say(line: string): void {
    // A bar under way is drawn again below it.
    if (this.#bar) this.#stream.write('\r\u001b[K');
    this.#stream.write(`${line}\n`);
  }

  stop(): void {
    this.#stopBar();
  }

  #stopBar(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  #status({ epoch, batch, values, imagesPerSecond }: EpochProgress): string {
    const left = this.#secondsLeft(epoch, batch);
    return [
      format(values),
      `${rate(imagesPerSecond)} images/s`,
      ...(left === null ? [] : [`${duration(left)} left`]),
    ].join('  ');
  }

  /** Until the end of the last epoch, at the speed of this one; null when its length is not known. */
  #secondsLeft(epoch: number, batch: number): number | null {
    const done = batch - this.#first;
    if (!this.#batches || done <= 0) return null;
    const batches = Math.max(0, this.#batches - batch) + (this.#epochs - epoch) * this.#batches;
    return (batches * (performance.now() - this.#start)) / 1000 / done;
  }
}

function format(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) => `${name} ${Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(2) : value.toFixed(4)}`,
    )
    .join('  ');
}

function rate(imagesPerSecond: number): string {
  return imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0);
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
