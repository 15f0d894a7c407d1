import {
  adaptiveAvgPool2d,
  add,
  avgPool2d,
  batchNorm,
  clip,
  concat,
  conv2d,
  convTranspose2d,
  Generator,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  linear,
  maximum,
  maxPool2d,
  mean,
  mul,
  nn,
  pad,
  permute,
  prelu,
  relu,
  reshape,
  sigmoid,
  silu,
  slice,
  sub,
  type Tensor,
  tanh,
  tensor,
} from '../../lib/index.js';

type Map4 = Tensor<'float32'>;

/**
 * A network of random layers over random shapes: what exporters write and what they do not. The same seed gives the same
 * network. Values stay near 1, so that a difference anywhere shows at the end.
 */
export class RandomNetwork extends nn.Module {
  readonly #seed: number;
  readonly #layers: number;
  readonly #isTraining: boolean;
  readonly #constants = new Map<string, Map4>();
  /** What the layers were, for the message of a failure. */
  readonly story: string[] = [];

  /** With `isTraining` batch norms have the statistics of the batch, and stand where networks have them. */
  constructor(seed: number, layers: number, isTraining = false) {
    super();
    this.#seed = seed;
    this.#layers = layers;
    this.#isTraining = isTraining;
  }

  /** All weights that a forward pass has made, in the order in which it did. */
  get weights(): Map4[] {
    return [...this.#constants.values()];
  }

  forward(x: Map4): Map4 {
    const random = new Generator(this.#seed);
    const below = (n: number) => Math.floor(random.uniform() * n);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)];
    const story = this.story;
    const isTraining = this.#isTraining;
    story.length = 0;
    let made = 0;
    const constant = (shape: number[], scale = 1, offset = 0): Map4 => {
      const name = `${made++} ${shape}`;
      let known = this.#constants.get(name);
      if (!known) {
        const numbers = new Generator(this.#seed * 1000 + made);
        const size = shape.reduce((a, b) => a * b, 1);
        known = tensor(
          Float32Array.from({ length: size }, () => offset + scale * (2 * numbers.uniform() - 1)),
          shape,
        ) as Map4;
        this.#constants.set(name, known);
      }
      return known;
    };
    const maps: Map4[] = [x];
    const layers: Record<string, (x: Map4) => Map4 | null> = {
      conv(x) {
        const [, ic, h, w] = x.shape;
        const kh = pick([1, 1, 3, 3, 5, 2]);
        const kw = pick([kh, kh, kh, 1, 3]);
        const dilation = pick([1, 1, 1, 2]);
        const padding = pick([0, 1, kh >> 1, kh >> 1]);
        if (h + 2 * padding < dilation * (kh - 1) + 1 || w + 2 * padding < dilation * (kw - 1) + 1) return null;
        const divisors = [1, 1, 1, ic, 2, 4, ic / 4, ic / 8].filter(
          (g) => g >= 1 && Number.isInteger(g) && ic % g === 0,
        );
        const groups = pick(divisors);
        const oc =
          groups * pick([1, 2, 3, 5, 16, Math.max(1, Math.ceil(32 / groups)), Math.max(1, Math.ceil(20 / groups))]);
        if (oc > 96) return null;
        const weight = constant([oc, ic / groups, kh, kw], 1.7 / Math.sqrt((ic / groups) * kh * kw));
        const bias = below(3) ? constant([oc], 0.3) : null;
        return conv2d(x, weight, bias, { stride: pick([1, 1, 1, 2, 3]), padding, dilation, groups });
      },
      deconv(x) {
        const [, ic, h, w] = x.shape;
        if (h * w > 400) return null;
        const k = pick([2, 3, 4]);
        const oc = pick([3, 16, 20]);
        const options = { stride: 2, padding: pick([0, 1]) };
        if (h < 2 || w < 2) return null;
        return convTranspose2d(
          x,
          constant([ic, oc, k, k], 1.7 / Math.sqrt(ic * 2)),
          below(2) ? constant([oc], 0.3) : null,
          options,
        );
      },
      norm(x) {
        const c = x.shape[1];
        if (isTraining && x.size / c < 8) return null; // of few numbers the variance may be next to nothing
        const options = isTraining
          ? { training: true }
          : { runningMean: constant([c], 0.3), runningVar: constant([c], 0.4, 1) };
        return batchNorm(x, below(4) ? constant([c], 0.3, 1) : null, below(4) ? constant([c], 0.3) : null, options);
      },
      block(x) {
        // a convolution and what follows it in a network that is trained
        if (!isTraining) return null;
        const y = this.conv(x);
        const normed = y && this.norm(y);
        if (!normed) return null;
        const same = maps.filter((map) => map !== x && `${map.shape}` === `${normed.shape}`);
        return relu(same.length && below(2) ? add(normed, pick(same)) : normed);
      },
      scale: (x) => mul(x, constant([x.shape[1], 1, 1], 0.3, 1)),
      shift: (x) => add(x, constant([1, x.shape[1], 1, 1], 0.5)),
      double: (x) => mul(x, 1.25),
      relu: (x) => relu(x),
      relu6: (x) => clip(x, 0, 0.8),
      leaky: (x) => leakyRelu(x, 0.1),
      prelu: (x) => prelu(x, constant([x.shape[1], 1, 1], 0.3)),
      silu: (x) => pick([silu(x), mul(x, sigmoid(x)), mul(sigmoid(x), x)]),
      gelu: (x) => gelu(x),
      tanh: (x) => tanh(x),
      hardSwish: (x) => pick([hardSwish(x), mul(x, hardSigmoid(x)), mul(mul(x, clip(add(x, 3), 0, 6)), 1 / 6)]),
      maxPool(x) {
        const [, , h, w] = x.shape;
        const k = pick([2, 3]);
        return h < k || w < k
          ? null
          : maxPool2d(x, k, { stride: pick([1, 2]), padding: pick([0, 1]), ceilMode: below(2) > 0 });
      },
      avgPool(x) {
        const [, , h, w] = x.shape;
        const k = pick([2, 3]);
        const options = { stride: pick([1, 2]), padding: pick([0, 1]), countIncludePad: below(2) > 0 };
        return h < k || w < k ? null : avgPool2d(x, k, options);
      },
      pad: (x) =>
        x.shape[2] > 2 && x.shape[3] > 2 ? pad(x, [1, 0, 2, 1], { mode: pick(['constant', 'reflect']) }) : null,
      add(x) {
        const same = maps.filter((map) => map !== x && `${map.shape}` === `${x.shape}`);
        if (!same.length) return null;
        return pick([add, sub, mul, maximum, add])(x, pick(same));
      },
      residual(x) {
        // what a block of a ResNet ends with, in the orders that occur
        const c = x.shape[1];
        const inner = conv2d(x, constant([c, c, 3, 3], 1.7 / Math.sqrt(9 * c)), constant([c], 0.2), { padding: 1 });
        return pick([() => relu(add(inner, x)), () => add(x, relu(inner)), () => add(inner, x)])();
      },
      concat(x) {
        const same = maps.filter((map) => `${map.shape.with(1, 0)}` === `${x.shape.with(1, 0)}`);
        const parts = [x, pick(same), ...(below(2) ? [pick(same)] : [])];
        const channels = parts.reduce((sum, part) => sum + part.shape[1], 0);
        return channels > 160 ? null : concat(below(2) ? parts : parts.reverse(), 1);
      },
      gate(x) {
        const [n, c] = x.shape;
        const squeezed = relu(
          conv2d(adaptiveAvgPool2d(x, 1), constant([4, c, 1, 1], 1 / Math.sqrt(c)), constant([4], 0.2)),
        );
        const gate = sigmoid(conv2d(squeezed, constant([c, 4, 1, 1], 0.5), constant([c], 0.5)));
        return below(2) ? mul(x, gate) : mul(reshape(gate, [n, c, 1, 1]), x);
      },
      channels: (x) => (x.shape[1] > 2 ? slice(x, [null, [1, x.shape[1] - 1]]) : null),
      crop: (x) => (x.shape[2] > 3 ? slice(x, [null, null, [1, null], [0, null, 2]]) : null),
      shuffle(x) {
        const [n, c, h, w] = x.shape;
        if (c % 2) return null;
        return reshape(permute(reshape(x, [n, 2, c / 2, h, w]), [0, 2, 1, 3, 4]), [n, c, h, w]);
      },
    };
    const names = Object.keys(layers);
    // Convolutions as often as everything else, so that there are blocks to stay in.
    while (maps.length <= this.#layers) {
      const name = below(5) < 2 ? (isTraining ? pick(['conv', 'block']) : 'conv') : pick(names);
      const from = below(4) ? (maps.at(-1) as Map4) : pick(maps);
      const y = layers[name](from);
      if (!y || y.shape.includes(0) || y.size > 200_000) continue;
      story.push(`${name} [${from.shape}] → [${y.shape}]`);
      maps.push(y);
    }
    const last = maps.at(-1) as Map4;
    const features = last.shape[1];
    const pooled = below(2) ? mean(last, [2, 3]) : reshape(adaptiveAvgPool2d(last, 1), [last.shape[0], features]);
    const scores: Map4 = linear(pooled, constant([7, features], 1.7 / Math.sqrt(features)), constant([7], 0.2));
    // Many maps reach the result directly, so that none can be wrong unseen; others only live until their last layer.
    return maps.reduce(
      (sum, map) => (below(3) ? sum : add(sum, mul(reshape(mean(map, [1, 2, 3]), [-1, 1]), 0.2))),
      scores,
    );
  }
}
