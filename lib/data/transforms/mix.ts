import { ArgumentError, check } from '../../errors.js';
import { whole } from '../../geometry.js';
import type { Generator } from '../../random.js';
import { formatShape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import type { Batch } from '../dataset.js';
import { beta } from './beta.js';
import { type BatchTransform, PortableTransform } from './transform.js';

/** Options of {@link MixUp} and {@link CutMix}. */
export interface MixOptions {
  /** Number of classes; needed for labels that are integers. */
  numClasses?: number;
  /** The share of the first image is drawn from Beta(alpha, alpha); above 0. Default 1, all shares alike. */
  alpha?: number;
}

/** What mixing has in common: labels become shares of classes, and each sample meets the one before it. */
abstract class Mix extends PortableTransform implements BatchTransform {
  readonly numClasses: number | undefined;
  readonly alpha: number;

  constructor(options: MixOptions = {}) {
    super(options);
    const { numClasses, alpha = 1 } = options;
    if (numClasses !== undefined) whole(this.constructor.name, 'numClasses', numClasses, 1);
    check(
      alpha > 0 && Number.isFinite(alpha),
      this.constructor.name,
      () => `alpha must be above 0, got ${alpha}`,
      ArgumentError,
    );
    this.numClasses = numClasses;
    this.alpha = alpha;
  }

  applyBatch([x, y]: Batch, generator: Generator): Batch {
    const operation = this.constructor.name;
    check(
      x.rank === 4 && x.size > 0,
      operation,
      () => `images must be [n, c, h, w] and not empty, got ${formatShape(x.shape)}`,
    );
    const shares = this.#shares(y, x.shape[0]);
    const classes = shares.length / x.shape[0];
    const { images, share } = this.mix(x, generator);
    const mixed = new Float32Array(shares.length);
    for (let i = 0; i < mixed.length; i++) {
      const before = i < classes ? shares.length - classes + i : i - classes;
      mixed[i] = share * shares[i] + (1 - share) * shares[before];
    }
    return [images, new Tensor('float32', mixed, [x.shape[0], classes])];
  }

  /** Mixes every image with the one before it, the first with the last, and says which share of it is left. */
  protected abstract mix(x: Tensor<'float32'>, generator: Generator): { images: Tensor<'float32'>; share: number };

  /** Labels as shares [n, classes]. */
  #shares(y: Tensor, n: number): Float32Array {
    const operation = this.constructor.name;
    if (y.dtype === 'float32' && y.rank === 2 && y.shape[0] === n) return y.storage.values as Float32Array;
    check(
      y.rank === 1 && y.shape[0] === n && (y.dtype === 'int32' || y.dtype === 'int64' || y.dtype === 'uint8'),
      operation,
      () =>
        `labels must be integers [${n}] or shares [${n}, classes] of float32, got ${y.dtype} ${formatShape(y.shape)}`,
    );
    const { numClasses } = this;
    check(
      numClasses !== undefined,
      operation,
      () => 'labels that are integers need the option numClasses',
      ArgumentError,
    );
    const shares = new Float32Array(n * numClasses);
    for (let i = 0; i < n; i++) {
      const label = Number(y.storage.values[i]);
      check(
        label >= 0 && label < numClasses,
        operation,
        () => `label ${label} at position ${i} is outside [0, ${numClasses})`,
        ArgumentError,
      );
      shares[i * numClasses + label] = 1;
    }
    return shares;
  }
}

/**
 * Blends every image of a batch with another, and their labels alike: images [n, c, h, w], labels [n] or [n, classes] →
 * labels [n, classes] (Zhang et al., "mixup: beyond empirical risk minimization", 2017).
 *
 * @throws ArgumentError for alpha not above 0 and labels that are no classes; ShapeError for other batches
 * @example
 * const mixup = new transforms.MixUp({ numClasses: 2 });
 * mixup.applyBatch([zeros([3, 1, 4, 4]), tensor([0, 1, 1], { dtype: 'int32' })], new Generator(1))[1].shape; // [3, 2]
 */
export class MixUp extends Mix {
  protected mix(x: Tensor<'float32'>, generator: Generator): { images: Tensor<'float32'>; share: number } {
    const share = beta(generator, this.alpha, this.alpha);
    const values = x.storage.values;
    const size = x.size / x.shape[0];
    const result = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const before = i < size ? values.length - size + i : i - size;
      result[i] = share * values[i] + (1 - share) * values[before];
    }
    return { images: new Tensor('float32', result, x.shape), share };
  }
}

/**
 * Replaces a rectangle of every image of a batch by that of another, and mixes their labels by area: images [n, c, h, w],
 * labels [n] or [n, classes] → labels [n, classes] (Yun et al., "CutMix: regularization strategy to train strong
 * classifiers with localizable features", 2019).
 *
 * @throws ArgumentError for alpha not above 0 and labels that are no classes; ShapeError for other batches
 * @example
 * const cutmix = new transforms.CutMix({ numClasses: 2 });
 * cutmix.applyBatch([zeros([3, 1, 4, 4]), tensor([0, 1, 1], { dtype: 'int32' })], new Generator(1))[1].shape; // [3, 2]
 */
export class CutMix extends Mix {
  protected mix(x: Tensor<'float32'>, generator: Generator): { images: Tensor<'float32'>; share: number } {
    const [n, channels, h, w] = x.shape;
    const half = Math.sqrt(1 - beta(generator, this.alpha, this.alpha)) / 2;
    const [y0, y1] = between(generator.integer(h), half * h, h);
    const [x0, x1] = between(generator.integer(w), half * w, w);
    const values = x.storage.values;
    const result = values.slice();
    for (let image = 0; image < n; image++) {
      const other = (image + n - 1) % n;
      for (let c = 0; c < channels; c++) {
        for (let row = y0; row < y1; row++) {
          const [to, from] = [image, other].map((which) => ((which * channels + c) * h + row) * w);
          for (let column = x0; column < x1; column++) result[to + column] = values[from + column];
        }
      }
    }
    return { images: new Tensor('float32', result, x.shape), share: 1 - ((y1 - y0) * (x1 - x0)) / (h * w) };
  }
}

/** Begin and end of what lies within `half` of a position, as far as it is inside. */
function between(middle: number, half: number, extent: number): readonly [number, number] {
  return [Math.max(0, Math.trunc(middle - half)), Math.min(extent, Math.trunc(middle + half))];
}
