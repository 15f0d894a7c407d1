import { dirname, resolve } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ArgumentError, check, DivergedError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { notify, type TrainerCallback } from './callback.js';
import { type Checkpoint, encodeCheckpoint, loadCheckpoint } from './checkpoint.js';
import { evaluate } from './evaluate.js';
import type { FitOptions, FitResult, StopReason } from './fitoptions.js';
import { onInterrupt } from './interrupt.js';
import { hasState, iterate, type Loader } from './loader.js';
import { captureModes } from './modes.js';
import { Monitor } from './monitor.js';
import { Place } from './place.js';
import { type EpochProgress, Progress, type ProgressStream } from './progress.js';
import { RunFolder } from './runfolder.js';
import { captureState, checkWeights, isAbort, restoreState, type Stateful } from './snapshot.js';
import type { EpochRecord } from './state.js';
import { prepareStep, type TrainingStep } from './step.js';
import { checkBatch } from './stepparts.js';
import type { TrainerParts } from './trainer.js';

/** One training, from its first batch or a checkpoint to its end. */
export class Fit {
  readonly #parts: TrainerParts;
  readonly #loader: Loader;
  readonly #options: FitOptions;
  readonly #callbacks: readonly TrainerCallback[];
  readonly #folder: RunFolder | null;
  readonly #place: Place;
  readonly #best: Monitor;
  readonly #stopping: Monitor | null;
  #history: EpochRecord[] = [];
  #progress: Progress | null = null;
  #step: TrainingStep | null = null;
  /** Batches since the last update. */
  #pending = 0;
  /** Batches at the start of a resumed epoch that are done, and that the loader will give once more. */
  #behind = 0;
  #lastFiniteLoss: number | null = null;
  /** Whether there is a checkpoint of this training. */
  #isSaved = false;
  #stopped: StopReason | null = null;
  /** Ends a validation that is under way when training is to stop. */
  readonly #halt = new AbortController();

  constructor(parts: TrainerParts, loader: Loader, options: FitOptions) {
    this.#parts = parts;
    this.#loader = loader;
    this.#options = options;
    this.#callbacks = [options.callbacks ?? []].flat() as TrainerCallback[];
    this.#folder = options.folder === undefined ? null : new RunFolder(options.folder);
    this.#place = new Place(parts.metrics);
    const known = { metrics: Object.keys(parts.metrics), validates: options.validation !== undefined };
    const { monitor, mode, earlyStopping } = options;
    this.#best = new Monitor('fit', { monitor, mode }, known);
    // A mode goes with the value it was given for.
    const watched = earlyStopping?.monitor === undefined ? { monitor, mode } : {};
    this.#stopping = earlyStopping ? new Monitor('fit', { ...watched, ...earlyStopping }, known) : null;
  }

  /** Ends training after the update that is under way. */
  stop(reason: StopReason): void {
    this.#stopped ??= reason;
    this.#halt.abort();
  }

  async run(): Promise<FitResult> {
    const { epochs, signal, progress = true, interrupt = true } = this.#options;
    await this.#folder?.prepare();
    await this.#resume();
    const stream = progress === true ? process.stderr : progress;
    const { length } = this.#loader;
    // A stream of samples has no end that is known.
    const batches = Number.isFinite(length) ? length : undefined;
    this.#progress = stream ? await Progress.to(stream as ProgressStream, epochs, batches) : null;
    const restoreModes = captureModes(this.#parts.model);
    const abort = () => this.stop('aborted');
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    const removeHandler = interrupt ? onInterrupt(() => this.#interrupted()) : null;
    try {
      // What is in inference mode by itself, such as a batch norm that is not to change, stays so.
      if (!this.#parts.model.training) this.#parts.model.train();
      const trainingModes = captureModes(this.#parts.model);
      await notify(this.#callbacks, 'onTrainBegin');
      this.#stopWithoutGain();
      while (this.#stopped === null && this.#place.epoch < epochs) {
        trainingModes();
        await this.#epoch();
      }
      await this.#folder?.drawCurves(this.#history, { png: true });
      await notify(this.#callbacks, 'onTrainEnd', this.#history);
      return this.#result();
    } finally {
      removeHandler?.();
      signal?.removeEventListener('abort', abort);
      this.#progress?.stop();
      restoreModes();
      await this.#step?.release();
    }
  }

  async #resume(): Promise<void> {
    const { resume, overwrite = false } = this.#options;
    const folder = this.#folder;
    // With `true` a training goes on where it was, if it was anywhere.
    const path = resume === true ? await folder?.checkpoint() : resume;
    if (!path) return folder?.clear(overwrite);
    const { weights, training } = await loadCheckpoint(path);
    if (folder && resolve(dirname(path)) !== resolve(folder.path)) await folder.clear(overwrite);
    restoreState(this.#stateful, weights, training);
    this.#place.state = training;
    this.#behind = hasState(this.#loader) && training.loader !== null ? 0 : training.batch;
    this.#history = [...training.history];
    this.#best.state = { ...training.best };
    if (this.#stopping) this.#stopping.state = { ...training.stopping };
    await folder?.writeHistory(this.#history);
    this.#isSaved = folder !== null && resolve(path) === resolve(folder.last);
  }

  /** One epoch, or what is left of it. When training is to stop before its end, its place is saved. */
  async #epoch(): Promise<void> {
    const place = this.#place;
    if (!place.isTrained) {
      if (place.batch === 0) await notify(this.#callbacks, 'onEpochBegin', place.epoch + 1);
      const isOver = await this.#train();
      if (!isOver) return this.#save(false);
      place.isTrained = true;
    }
    const validation = await this.#validate();
    if (validation === 'halted') return this.#save(false);
    const record: EpochRecord = {
      epoch: place.epoch + 1,
      step: place.step,
      lr: place.lr ?? this.#parts.optimizer.lr,
      train: place.values(),
      validation,
      seconds: place.seconds,
      imagesPerSecond: place.imagesPerSecond,
    };
    const isBest = this.#best.update(record);
    this.#stopping?.update(record);
    const { scheduler, schedulerInterval } = this.#parts;
    if (schedulerInterval === 'epoch') scheduler?.step((this.#stopping ?? this.#best).valueOf(record));
    this.#history.push(record);
    place.nextEpoch();
    this.#progress?.end(record);
    await notify(this.#callbacks, 'onEpochEnd', record);
    await this.#folder?.appendHistory(record);
    await this.#save(isBest);
    await this.#folder?.drawCurves(this.#history);
    this.#stopWithoutGain();
  }

  /** Trains on the rest of an epoch's batches. Returns false when training is to stop before its end. */
  async #train(): Promise<boolean> {
    const place = this.#place;
    this.#progress?.begin(place.epoch + 1, place.batch);
    const batches = iterate(this.#loader);
    let isOver = false;
    try {
      await this.#skip(batches);
      for (;;) {
        if (this.#stopped !== null && this.#pending === 0) return false;
        const start = performance.now();
        const next = await batches.next();
        if (next.done) {
          isOver = true;
          break;
        }
        await this.#batch(next.value, start);
      }
    } finally {
      if (!isOver) await batches.return?.();
    }
    check(
      place.batch > 0,
      'fit',
      () =>
        `the loader gave no batches in epoch ${place.epoch + 1}; it must give them anew each time it is iterated over`,
      ArgumentError,
    );
    if (this.#pending > 0) {
      await this.#step?.flush();
      this.#updated();
    }
    return true;
  }

  /** Goes past the batches that a resumed epoch has behind it, where the loader does not do so by itself. */
  async #skip(batches: ReturnType<typeof iterate>): Promise<void> {
    for (; this.#behind > 0; this.#behind--) {
      // A loader that gives less than it did has nothing left to go past, and so has the next epoch.
      if ((await batches.next()).done) this.#behind = 1;
    }
  }

  async #batch(batch: readonly Tensor[], start: number): Promise<void> {
    const place = this.#place;
    const { optimizer, accumulate = 1, model, loss: compare, clipGradNorm, clipGradValue, ema, compile } = this.#parts;
    checkBatch('fit', batch);
    if (!this.#step) {
      const parts = { model, loss: compare, optimizer, accumulate, clipGradNorm, clipGradValue, compile };
      this.#step = await prepareStep({ ...parts, ema: ema ?? undefined }, batch);
      const { compiled, reason } = this.#step;
      this.#progress?.say(
        compiled ? 'training step: compiled' : `training step: op by op${reason ? `, ${reason}` : ''}`,
      );
    }
    const { lr } = optimizer;
    const result = await this.#step.run(batch);
    const output = result.output as Tensor<'float32'>;
    const value = result.loss.item();
    if (!Number.isFinite(value)) throw this.#diverged(`the loss is ${value}`, lr);
    this.#lastFiniteLoss = value;
    place.add(value, (metric) => metric.add(output, ...batch.slice(1)), batch[0].shape[0]);
    if (++this.#pending === accumulate) this.#updated();
    await nextTurn(); // also after compiled steps: short ones that follow one another can end within one turn
    place.seconds += (performance.now() - start) / 1000;
    await this.#report(value, lr, output);
  }

  /** Weights have changed. */
  #updated(): void {
    this.#pending = 0;
    this.#place.step++;
    const { scheduler, schedulerInterval, optimizer } = this.#parts;
    this.#place.lr = optimizer.lr;
    if (schedulerInterval === 'step') scheduler?.step();
  }

  async #report(loss: number, lr: number, output: Tensor): Promise<void> {
    const { epoch, batch, step, imagesPerSecond } = this.#place;
    const { logEvery = 0, checkpointEvery = 0 } = this.#options;
    const isUpdated = this.#pending === 0;
    if (this.#progress) {
      const progress = (): EpochProgress => ({
        epoch: epoch + 1,
        batch,
        values: this.#place.values(),
        imagesPerSecond,
      });
      this.#progress.advance(progress);
      if (isUpdated && logEvery > 0 && step % logEvery === 0) this.#progress.log(progress());
    }
    await notify(this.#callbacks, 'onStepEnd', { epoch: epoch + 1, batch, step, loss, lr, output });
    if (isUpdated && checkpointEvery > 0 && step % checkpointEvery === 0) await this.#save(false);
  }

  /** Loss and metrics on the data for validation, by the averaged weights if there are any. */
  async #validate(): Promise<Record<string, number> | null | 'halted'> {
    const { validation } = this.#options;
    if (!validation) return null;
    const { model, loss, metrics, ema } = this.#parts;
    const run = () => evaluate(model, validation, { loss, metrics, signal: this.#halt.signal });
    try {
      const result = await (ema ? ema.apply(run) : run());
      if (!Number.isFinite(result.metrics.loss)) {
        throw this.#diverged(`the validation loss is ${result.metrics.loss}`, this.#parts.optimizer.lr);
      }
      return { ...result.metrics };
    } catch (error) {
      if (this.#stopped !== null && isAbort(error)) return 'halted';
      throw error;
    }
  }

  /** Writes the checkpoint that training goes on from, and if this is the best epoch so far that one too. */
  async #save(isBest: boolean): Promise<void> {
    const folder = this.#folder;
    if (!folder) return;
    const weights = this.#parts.model.stateDict();
    checkWeights(weights, this.#place.step);
    const checkpoint: Omit<Checkpoint, 'version'> = {
      weights,
      training: {
        ...this.#place.state,
        history: this.#history,
        best: this.#best.state,
        stopping: (this.#stopping ?? this.#best).state,
        ...captureState(this.#stateful),
      },
      metadata: this.#options.metadata ?? {},
    };
    const bytes = encodeCheckpoint(checkpoint);
    const { step } = this.#place;
    // The best one first: a process killed in between repeats the epoch, and makes it the best again.
    for (const kind of isBest ? (['best', 'last'] as const) : (['last'] as const)) {
      await folder.write(folder[kind], bytes);
      await notify(this.#callbacks, 'onCheckpoint', { path: folder[kind], kind, step });
    }
    this.#isSaved = true;
  }

  get #stateful(): Stateful {
    const { model, loss, optimizer, scheduler = null, ema = null } = this.#parts;
    return { model, loss, optimizer, scheduler, ema, loader: this.#loader };
  }

  #diverged(what: string, lr: number): DivergedError {
    const { step, epoch, batch } = this.#place;
    const last = this.#lastFiniteLoss === null ? '' : `; the last finite loss was ${this.#lastFiniteLoss}`;
    const kept = this.#folder && this.#isSaved ? `; ${this.#folder.last} stays as it was` : '';
    return new DivergedError(
      `fit: ${what} after ${step} updates, in epoch ${epoch + 1} after ${batch} batches, at learning rate ${lr}${last}${kept}. ` +
        'A lower learning rate, warming it up or clipGradNorm may help; so may a look at the data',
    );
  }

  #stopWithoutGain(): void {
    const { patience = Number.POSITIVE_INFINITY } = this.#options.earlyStopping ?? {};
    if (this.#stopping && this.#stopping.state.wait >= patience) this.stop('earlyStopping');
  }

  #interrupted(): void {
    this.#progress?.say('stopping after this step; Ctrl-C once more ends at once');
    this.stop('interrupted');
  }

  #result(): FitResult {
    const { value, epoch } = this.#best.state;
    return {
      history: this.#history,
      step: this.#place.step,
      stopped: this.#stopped ?? 'finished',
      best: epoch > 0 ? { epoch, value, monitor: this.#best.name } : null,
      compiled: this.#step?.compiled ?? null,
    };
  }
}
