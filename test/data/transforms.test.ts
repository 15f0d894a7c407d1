import { describe, expect, it } from 'vitest';
import { type Batch, transforms } from '../../lib/data/index.js';
import { beta } from '../../lib/data/transforms/beta.js';
import { full, Generator, noGrad, Tensor, tensor, zeros } from '../../lib/index.js';
import { failure } from '../failure.js';

const T = transforms;
const F = transforms.functional;
type Image = Tensor<'float32'>;
type Apply = { apply(image: Image, generator: Generator): Image | Promise<Image> };

const wrong = (value: unknown) => value as never;
/** The numbers 1, 2, … in an image. */
const counting = (...shape: [number, number, number]): Image =>
  tensor(
    Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => i + 1),
    shape,
  );
const run = (transform: Apply, image: Image, seed = 1) => transform.apply(image, new Generator(seed)) as Image;
/** What a transform makes of an image with many seeds. */
const runs = (transform: Apply, image: Image, count: number) =>
  Array.from({ length: count }, (_, seed) => run(transform, image, seed));

/** Every random transform, with options that leave nothing as it was. */
const RANDOM: [string, Apply][] = [
  ['RandomCrop', new T.RandomCrop([4, 5], { padding: 2, fill: [0.5, 0, 1] })],
  ['RandomResizedCrop', new T.RandomResizedCrop([4, 5])],
  ['RandomHorizontalFlip', new T.RandomHorizontalFlip()],
  ['RandomVerticalFlip', new T.RandomVerticalFlip()],
  ['RandomRotation', new T.RandomRotation(30)],
  ['RandomAffine', new T.RandomAffine(20, { translate: [0.3, 0.3], scale: [0.8, 1.2], shear: 10 })],
  ['ColorJitter', new T.ColorJitter({ brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.2 })],
  ['RandomErasing', new T.RandomErasing({ value: 'random' })],
  ['RandomApply', new T.RandomApply([new T.RandomVerticalFlip(1), new T.RandomRotation(90)])],
  ['RandomChoice', new T.RandomChoice([new T.RandomVerticalFlip(1), new T.RandomHorizontalFlip(1)])],
];

describe('random transforms', () => {
  const image = full([3, 6, 7], 1)
    .mul(counting(3, 6, 7))
    .div(126) as Image;

  it.each(RANDOM)('%s follows from the generator, and leaves its image alone', (_, transform) => {
    const before = image.data.slice();
    const made = runs(transform, image, 20);
    expect(runs(transform, image, 20).map((each) => each.toArray())).toEqual(made.map((each) => each.toArray()));
    expect(new Set(made.map(({ data }) => data.join())).size).toBeGreaterThan(1);
    expect(image.data).toEqual(before);
    for (const { data, dtype } of made) expect([dtype, data.every(Number.isFinite)]).toEqual(['float32', true]);
  });

  it.each(RANDOM)('%s draws as often whatever comes out', (_, transform) => {
    // transforms that follow see the same random numbers for images of the same size
    const bitsAfter = (values: Image) => {
      const generator = new Generator(3);
      transform.apply(values, generator);
      return generator.bits();
    };
    expect(bitsAfter(zeros([3, 6, 7]))).toBe(bitsAfter(image));
  });
});

describe('RandomCrop', () => {
  it('cuts out every place, and no other', () => {
    const crops = new Set(
      runs(new T.RandomCrop(2), counting(1, 3, 4), 200).map((each) => JSON.stringify(each.toArray())),
    );
    expect(crops.size).toBe(6);
    expect(crops).toContain('[[[6,7],[10,11]]]');
  });

  it('has a border of every kind', () => {
    const image = counting(1, 2, 2);
    for (const [paddingMode, values] of [
      ['constant', [7]],
      ['edge', [1, 2, 3, 4]],
      ['reflect', [1, 2, 3, 4]],
      ['symmetric', [1, 2, 3, 4]],
    ] as const) {
      const made = runs(new T.RandomCrop(1, { padding: 1, paddingMode, fill: 7 }), image, 60);
      const found = new Set(made.map(({ data }) => data[0]));
      expect([...found].sort()).toEqual([...new Set([1, 2, 3, 4, ...values])].sort());
    }
    const all = new T.RandomCrop([2, 6], { padding: [2, 0], paddingMode: 'reflect' });
    expect(failure(() => run(all, image))).toContain("pad: mode 'reflect' adds at most 1 to 2 pixels, got 2");
    const symmetric = new T.RandomCrop([2, 6], { padding: [2, 0], paddingMode: 'symmetric' });
    expect(run(symmetric, image).toArray()).toEqual([
      [
        [2, 1, 1, 2, 2, 1],
        [4, 3, 3, 4, 4, 3],
      ],
    ]);
  });

  it('adds what an image lacks, or says that it lacks it', () => {
    expect(run(new T.RandomCrop([3, 5], { padIfNeeded: true }), counting(1, 2, 2)).shape).toEqual([1, 3, 5]);
    expect(failure(() => run(new T.RandomCrop(3), counting(1, 2, 9)))).toBe(
      'ArgumentError ERR_ARGUMENT RandomCrop: 3×3 cannot be cut out of 2×9; give a padding or padIfNeeded',
    );
  });
});

describe('flips', () => {
  it('happen with their probability', () => {
    const share = (transform: Apply) =>
      runs(transform, counting(1, 2, 2), 1000).filter(({ data }) => data[0] !== 1).length / 1000;
    expect([share(new T.RandomHorizontalFlip(0)), share(new T.RandomVerticalFlip(1))]).toEqual([0, 1]);
    // five standard deviations: 5 · sqrt(0.3 · 0.7 / 1000) = 0.073
    expect(Math.abs(share(new T.RandomHorizontalFlip(0.3)) - 0.3)).toBeLessThan(0.073);
    expect(Math.abs(share(new T.RandomApply([new T.RandomVerticalFlip(1)], { p: 0.3 })) - 0.3)).toBeLessThan(0.073);
  });
});

describe('RandomResizedCrop', () => {
  it('takes the whole image when that is the only part', () => {
    const image = counting(2, 4, 4);
    const whole = new T.RandomResizedCrop(4, { scale: [1, 1], ratio: [1, 1] });
    expect(run(whole, image).toArray()).toEqual(image.toArray());
  });

  it('falls back to the middle of an image that is too narrow', () => {
    const image = counting(1, 2, 40);
    const made = runs(new T.RandomResizedCrop([2, 2], { scale: [1, 1], ratio: [1, 1] }), image, 10);
    for (const each of made)
      expect(each.toArray()).toEqual([
        [
          [20, 21],
          [60, 61],
        ],
      ]);
    expect(run(new T.RandomResizedCrop(1), counting(1, 1, 1)).toArray()).toEqual([[[1]]]);
  });
});

describe('rotations', () => {
  const image = counting(2, 3, 4);
  const pixel = (c: number, y: number, x: number) => image.data[(c * 3 + y) * 4 + x];

  it('by quarter turns are exact, with nothing added', () => {
    for (const interpolation of ['nearest', 'bilinear'] as const) {
      const turned = F.rotate(image, 90, { expand: true, interpolation });
      expect(turned.shape).toEqual([2, 4, 3]);
      const expected = Array.from({ length: 2 }, (_, c) =>
        Array.from({ length: 4 }, (_, y) => Array.from({ length: 3 }, (_, x) => pixel(c, x, 3 - y))),
      );
      expect(turned.toArray()).toEqual(expected);
      expect(F.rotate(turned, -90, { expand: true, interpolation }).toArray()).toEqual(image.toArray());
      expect(F.rotate(image, 360, { interpolation }).toArray()).toEqual(image.toArray());
      expect(F.rotate(image, 180, { interpolation }).toArray()).toEqual(F.hflip(F.vflip(image)).toArray());
      expect(F.rotate(image, -540, { expand: true, interpolation }).toArray()).toEqual(
        F.hflip(F.vflip(image)).toArray(),
      );
    }
  });

  it('stay in the range of the angle', () => {
    const still = new T.RandomRotation([360, 360]);
    expect(run(still, image).toArray()).toEqual(image.toArray());
    expect(run(new T.RandomAffine(0), image).toArray()).toEqual(image.toArray());
  });

  it('move by whole pixels, at most as far as allowed', () => {
    const moved = runs(new T.RandomAffine(0, { translate: [0.25, 0], fill: -1 }), image, 50).map((each) =>
      each.toArray(),
    );
    const left = [
      [
        [2, 3, 4, -1],
        [6, 7, 8, -1],
        [10, 11, 12, -1],
      ],
    ];
    expect(moved.some((each) => JSON.stringify((each as number[][][])[0]) === JSON.stringify(left[0]))).toBe(true);
    expect(new Set(moved.map((each) => JSON.stringify(each))).size).toBe(3);
  });
});

describe('ColorJitter', () => {
  it('changes nothing when it may not', () => {
    const image = full([3, 2, 2], 0.3) as Image;
    expect(run(new T.ColorJitter(), image)).toBe(image);
    expect(run(new T.ColorJitter({ brightness: [1, 1], hue: [0, 0] }), image)).toBe(image);
  });

  it('stays in the range of the factors', () => {
    const made = runs(new T.ColorJitter({ brightness: 0.5 }), full([1, 1, 1], 0.5) as Image, 300).map(
      ({ data }) => data[0],
    );
    expect(Math.min(...made)).toBeGreaterThanOrEqual(0.25);
    expect(Math.max(...made)).toBeLessThanOrEqual(0.75);
    expect(Math.max(...made) - Math.min(...made)).toBeGreaterThan(0.45);
  });

  it('is for one or three channels', () => {
    expect(failure(() => run(new T.ColorJitter({ brightness: 1 }), zeros([2, 1, 1])))).toBe(
      'ShapeError ERR_SHAPE adjustBrightness: the image must have 1 or 3 channels, got 2',
    );
  });
});

describe('RandomErasing', () => {
  it('erases one rectangle of the wanted share', () => {
    for (const { data } of runs(
      new T.RandomErasing({ p: 1, scale: [0.1, 0.2], ratio: [1, 1], value: [5, 6] }),
      zeros([2, 20, 20]),
      50,
    )) {
      const erased = [5, 6].map((value, c) => data.subarray(400 * c, 400 * c + 400).filter((v) => v === value).length);
      expect(erased[0]).toBe(erased[1]);
      // a square of sqrt(0.1 … 0.2 · 400) = 6.3 … 8.9 pixels, rounded
      expect([36, 49, 64, 81]).toContain(erased[0]);
    }
    expect(run(new T.RandomErasing({ p: 0 }), zeros([1, 9, 9])).data.every((v) => v === 0)).toBe(true);
  });

  it('leaves an image alone that nothing fits into', () => {
    const image = counting(1, 1, 1);
    expect(run(new T.RandomErasing({ p: 1 }), image)).toBe(image);
  });
});

describe('conversions', () => {
  const bytes = new Tensor('uint8', new Uint8Array([0, 51, 102, 153, 204, 255]), [1, 2, 3]);

  it('ToTensor reorders and scales, ConvertImageDtype scales', () => {
    const scaled = [0, 0.2, 0.4, 0.6, 0.8, 1].map(Math.fround);
    const [a, b, c, d, e, f] = scaled;
    expect(new T.ToTensor().apply(bytes).toArray()).toEqual([[[a, d]], [[b, e]], [[c, f]]]);
    expect(new T.ToTensor().apply(bytes.reshape([2, 3])).shape).toEqual([1, 2, 3]);
    expect(new T.ConvertImageDtype().apply(bytes).toArray()).toEqual([
      [
        [a, b, c],
        [d, e, f],
      ],
    ]);
    const image = zeros([1, 1, 1]);
    expect(new T.ConvertImageDtype().apply(image)).toBe(image);
  });

  it('refuse other dtypes and shapes', () => {
    expect(failure(() => new T.ToTensor().apply(zeros([1, 1, 1])))).toBe(
      'DTypeError ERR_DTYPE ToTensor: an image must be uint8, got float32',
    );
    expect(failure(() => new T.ToTensor().apply(bytes.reshape([6])))).toBe(
      'ShapeError ERR_SHAPE ToTensor: an image must be [h, w, c] or [h, w], got [6]',
    );
    expect(failure(() => new T.ConvertImageDtype().apply(tensor([true])))).toBe(
      'DTypeError ERR_DTYPE ConvertImageDtype: an image must be uint8, got bool',
    );
  });
});

describe('compositions', () => {
  const add = (amount: number) => (image: Image) => image.add(amount);
  const later = (amount: number) => async (image: Image) => image.add(amount);

  it('apply transforms in order, functions and promises too', async () => {
    const image = tensor([[[1]]]);
    const double = { apply: (each: Image) => each.mul(2) };
    expect(run(new T.Compose([add(1), double, add(3)]), image).item()).toBe(7);
    const mixed = new T.Compose([add(1), later(10), double, later(5), new T.Compose([add(100)])]);
    const made = mixed.apply(image, new Generator(1));
    expect(made).toBeInstanceOf(Promise);
    expect((await made).item()).toBe(129);
    expect(run(new T.Compose([]), image)).toBe(image);
  });

  it('choose by weights', () => {
    const choice = new T.RandomChoice([add(1), add(2), add(3)], { weights: [1, 0, 3] });
    const made = runs(choice, tensor([[[0]]]), 1000).map((each) => each.item());
    expect(made).not.toContain(2);
    // five standard deviations: 5 · sqrt(0.25 · 0.75 / 1000) = 0.068
    expect(Math.abs(made.filter((value) => value === 3).length / 1000 - 0.75)).toBeLessThan(0.068);
  });
});

describe('MixUp and CutMix', () => {
  const labels = tensor(Int32Array.of(0, 2, 1));
  const batch: Batch = [
    tensor(
      Float32Array.from({ length: 3 * 2 * 16 }, (_, i) => Math.floor(i / 32)),
      [3, 2, 4, 4],
    ),
    labels,
  ];
  const mixes = (transform: transforms.BatchTransform, count: number, from: Batch = batch) =>
    Array.from({ length: count }, (_, seed) => transform.applyBatch(from, new Generator(seed)) as Batch);

  it('MixUp blends images and labels by one share', () => {
    for (const [x, y] of mixes(new T.MixUp({ numClasses: 3 }), 30)) {
      const rows = y.toArray() as number[][];
      const share = rows[0][0];
      for (const row of rows) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
      // sample 1 (label 2) meets sample 0 (label 0), sample 0 the last
      expect(rows).toEqual([
        [share, expect.closeTo(1 - share, 6), 0],
        [expect.closeTo(1 - share, 6), 0, share],
        [0, share, expect.closeTo(1 - share, 6)],
      ]);
      for (const [image, value] of [
        [0, 2 * (1 - share)],
        [1, share],
        [2, 1 + share],
      ]) {
        for (const pixel of x.data.subarray(32 * image, 32 * image + 32)) expect(pixel).toBeCloseTo(value, 5);
      }
    }
    expect(batch[1]).toBe(labels);
  });

  it('CutMix replaces a rectangle and mixes labels by its area', () => {
    const shares = mixes(new T.CutMix({ numClasses: 3 }), 100).map(([x, y]) => {
      const own = x.data.subarray(0, 32).filter((value) => value === 0).length / 32;
      const other = x.data.subarray(0, 32).filter((value) => value === 2).length / 32;
      expect(own + other).toBe(1);
      expect(y.toArray()).toEqual(
        [
          [own, other, 0],
          [other, 0, own],
          [0, own, other],
        ].map((row) => row.map((v) => expect.closeTo(v, 6))),
      );
      return own;
    });
    expect(new Set(shares).size).toBeGreaterThan(5);
  });

  it('take labels that are shares, so that one can follow the other', () => {
    const [mixed] = mixes(new T.MixUp({ numClasses: 3 }), 1);
    const [[, y]] = mixes(new T.CutMix(), 1, mixed);
    expect(y.shape).toEqual([3, 3]);
    const [[x, alone]] = mixes(new T.MixUp({ numClasses: 3 }), 1, [batch[0].slice([[0, 1]]), tensor(Int32Array.of(1))]);
    expect([alone.toArray(), x.data.every((value) => value === 0)]).toEqual([[[0, 1, 0]], true]);
  });

  it.each<[Batch, transforms.MixOptions, string]>([
    [batch, {}, 'ArgumentError ERR_ARGUMENT MixUp: labels that are integers need the option numClasses'],
    [batch, { numClasses: 2 }, 'ArgumentError ERR_ARGUMENT MixUp: label 2 at position 1 is outside [0, 2)'],
    [
      [batch[0], zeros([3])],
      { numClasses: 2 },
      'ShapeError ERR_SHAPE MixUp: labels must be integers [3] or shares [3, classes] of float32, got float32 [3]',
    ],
    [
      [batch[0], tensor(Int32Array.of(1))],
      { numClasses: 2 },
      'ShapeError ERR_SHAPE MixUp: labels must be integers [3] or shares [3, classes] of float32, got int32 [1]',
    ],
    [
      [zeros([3, 4]), labels],
      { numClasses: 3 },
      'ShapeError ERR_SHAPE MixUp: images must be [n, c, h, w] and not empty, got [3, 4]',
    ],
    [
      [zeros([0, 1, 4, 4]), zeros([0], { dtype: 'int32' })],
      { numClasses: 3 },
      'ShapeError ERR_SHAPE MixUp: images must be [n, c, h, w] and not empty, got [0, 1, 4, 4]',
    ],
  ])('refuse batches that do not fit', (given, options, message) => {
    expect(failure(() => new T.MixUp(options).applyBatch(given, new Generator(1)))).toBe(message);
  });

  it.each([0.2, 0.8, 1, 3])('draw shares from Beta(%f, %f)', (alpha) => {
    const generator = new Generator(1);
    const drawn = Array.from({ length: 20_000 }, () => beta(generator, alpha, alpha));
    const mean = drawn.reduce((a, b) => a + b) / drawn.length;
    const variance = drawn.reduce((sum, v) => sum + (v - mean) ** 2, 0) / drawn.length;
    // the variance of Beta(a, a) is 1 / (4 (2a + 1)); five standard errors of mean and of variance are below 0.02
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.02);
    expect(drawn.every((v) => v >= 0 && v <= 1)).toBe(true);
    expect(noGrad(() => beta(generator, 1e-9, 1e-9))).toSatisfy((v) => v === 0 || v === 1);
  });
});

describe('images that are none', () => {
  const functions: Record<string, (image: Tensor) => unknown> = {
    crop: (x) => F.crop(x, 0, 0, 1, 1),
    centerCrop: (x) => F.centerCrop(x, 1),
    pad: (x) => F.pad(x, 1),
    hflip: F.hflip,
    vflip: F.vflip,
    normalize: (x) => F.normalize(x, 0, 1),
    erase: (x) => F.erase(x, 0, 0, 1, 1, 0),
    resize: (x) => F.resize(x, 2),
    resizedCrop: (x) => F.resizedCrop(x, 0, 0, 1, 1, 1),
    rotate: (x) => F.rotate(x, 1),
    affine: (x) => F.affine(x, {}),
    adjustBrightness: (x) => F.adjustBrightness(x, 1),
    adjustContrast: (x) => F.adjustContrast(x, 1),
    adjustSaturation: (x) => F.adjustSaturation(x, 1),
    adjustHue: (x) => F.adjustHue(x, 0),
    rgbToGrayscale: (x) => F.rgbToGrayscale(x),
  };

  it('are refused by every function', () => {
    expect(Object.keys(functions).sort()).toEqual(Object.keys(F).sort());
    for (const [name, apply] of Object.entries(functions)) {
      expect(failure(() => apply(zeros([2, 2])))).toBe(
        `ShapeError ERR_SHAPE ${name}: an image must be [channels, h, w] and not empty, got [2, 2]`,
      );
      expect(failure(() => apply(zeros([1, 0, 2])))).toContain('and not empty, got [1, 0, 2]');
      expect(failure(() => apply(zeros([1, 2, 2], { dtype: 'float64' })))).toBe(
        `DTypeError ERR_DTYPE ${name}: an image must be float32, got float64; ConvertImageDtype makes it so`,
      );
    }
  });

  it('of one pixel, and with NaN, go through', () => {
    for (const [name, apply] of Object.entries(functions)) {
      const result = apply(full([1, 1, 1], Number.NaN)) as Image;
      expect(result, name).toBeInstanceOf(Tensor);
      if (!['erase', 'pad'].includes(name)) expect(result.data.some(Number.isNaN), name).toBe(true);
    }
  });
});

const image = zeros([3, 4, 5]);
// biome-ignore format: one rejection a line
const REJECTIONS: [() => unknown, string][] = [
  [() => F.crop(image, 0.5, 0, 1, 1), 'crop: top and left must be integers, got 0.5 and 0'],
  [() => F.resizedCrop(image, 0, 0.5, 1, 1, 1), 'resizedCrop: top and left must be integers, got 0 and 0.5'],
  [() => F.crop(image, 0, 0, 0, 1), 'crop: height and width must be an integer of at least 1, or two of them, got [0,1]'],
  [() => new T.CenterCrop(0), 'CenterCrop: size must be an integer of at least 1, or two of them, got 0'],
  [() => new T.CenterCrop(wrong([1, 2, 3])), 'CenterCrop: size must be an integer of at least 1, or two of them, got [1,2,3]'],
  [() => new T.Pad(-1), 'Pad: padding must be an integer of at least 0, two (left and right, top and bottom) or four (left, top, right, bottom), got -1'],
  [() => new T.Pad(1, { mode: wrong('wrap') }), 'Pad: the padding mode must be one of constant, edge, reflect, symmetric, got "wrap"'],
  [() => F.pad(image, 1, { fill: [1, 2] }), 'pad: fill has 2 values, the image has 3 channels'],
  [() => F.pad(image, 1, { fill: Number.NaN }), 'pad: fill must be a number, or one for each channel, got null'],
  [() => F.pad(image, [0, 5], { mode: 'symmetric' }), "pad: mode 'symmetric' adds at most 4 to 4 pixels, got 5"],
  [() => new T.RandomCrop(2, { paddingMode: wrong('x') }), 'RandomCrop: the padding mode must be one of constant, edge, reflect, symmetric, got "x"'],
  [() => new T.RandomResizedCrop(2, { scale: [1, 0.5] }), 'RandomResizedCrop: scale must be two numbers in order, at least 0, got [1,0.5]'],
  [() => new T.RandomResizedCrop(2, { ratio: [0, 1] }), 'RandomResizedCrop: ratio must be two numbers in order, above 0, got [0,1]'],
  [() => new T.RandomResizedCrop(2, { interpolation: wrong('area') }), 'RandomResizedCrop: interpolation must be one of nearest, bilinear, bicubic, got "area"'],
  [() => new T.RandomHorizontalFlip(1.5), 'RandomHorizontalFlip: p must be in [0, 1], got 1.5'],
  [() => new T.RandomVerticalFlip(Number.NaN), 'RandomVerticalFlip: p must be in [0, 1], got NaN'],
  [() => new T.Resize([2, 0]), 'Resize: size must be an integer of at least 1, or two of them, got [2,0]'],
  [() => F.resize(image, 2, { maxSize: 2 }), 'resize: maxSize must be an integer above a size of one number, got 2 for size 2'],
  [() => F.resize(image, [2, 2], { maxSize: 4 }), 'resize: maxSize must be an integer above a size of one number, got 4 for size [2,2]'],
  [() => new T.RandomRotation(-1), 'RandomRotation: degrees of one number must be at least 0, got -1'],
  [() => new T.RandomRotation([3, 1]), 'RandomRotation: degrees must be two numbers in order, got [3,1]'],
  [() => new T.RandomRotation(1, { interpolation: wrong('bicubic') }), 'RandomRotation: interpolation must be one of nearest, bilinear, got "bicubic"'],
  [() => F.rotate(image, Number.POSITIVE_INFINITY), 'rotate: angle, scale and both values of translate, shear and center must be finite numbers'],
  [() => F.rotate(image, 1, { expand: true, center: [0, 0] }), 'rotate: expand goes with rotations about the middle only'],
  [() => F.affine(image, { scale: 0 }), 'affine: scale must be above 0, got 0'],
  [() => F.affine(image, { shear: [0, 90] }), 'affine: shear must not be 90°, got [0, 90]'],
  [() => F.affine(image, { translate: wrong([1]) }), 'affine: angle, scale and both values of translate, shear and center must be finite numbers'],
  [() => new T.RandomAffine(0, { translate: [0, 1.1] }), 'RandomAffine: translate must be two numbers in [0, 1], got [0,1.1]'],
  [() => new T.RandomAffine(0, { scale: [0, 1] }), 'RandomAffine: scale must be two numbers in order, above 0, got [0,1]'],
  [() => new T.RandomAffine(0, { shear: [0, 1, 2, 1] }), 'RandomAffine: shear must be two numbers in order, got [2,1]'],
  [() => new T.ColorJitter({ contrast: -1 }), 'ColorJitter: contrast must be at least 0, got -1'],
  [() => new T.ColorJitter({ saturation: [-1, 1] }), 'ColorJitter: saturation must be two numbers in order, at least 0, got [-1,1]'],
  [() => new T.ColorJitter({ hue: 0.6 }), 'ColorJitter: hue must lie in [−0.5, 0.5], got 0.6'],
  [() => F.adjustHue(image, 1), 'adjustHue: factor must be in [−0.5, 0.5], got 1'],
  [() => F.adjustContrast(image, -0.1), 'adjustContrast: factor must be at least 0, got -0.1'],
  [() => new T.Grayscale(wrong(2)), 'Grayscale: numOutputChannels must be 1 or 3, got 2'],
  [() => new T.Normalize([0], [0]), 'Normalize: mean must be finite and std not 0, got [0] and [0]'],
  [() => F.normalize(image, [0], [1e-60]), 'normalize: std must not be 0, got [1e-60]'],
  [() => F.normalize(image, [0, 0], 1), 'normalize: mean has 2 values, the image has 3 channels'],
  [() => F.erase(image, 3, 0, 2, 1, 0), 'erase: 2×1 at row 3 and column 0 do not lie in 4×5'],
  [() => new T.RandomErasing({ scale: [0, 2] }), 'RandomErasing: scale must lie in [0, 1], got [0, 2]'],
  [() => new T.RandomErasing({ p: 2 }), 'RandomErasing: p must be in [0, 1], got 2'],
  [() => new T.RandomErasing({ value: wrong('noise') }), 'RandomErasing: value must be a number, one for each channel, or \'random\', got "noise"'],
  [() => new T.Compose([wrong({})]), 'Compose: a transform is a function (image, generator) or an object with a method apply(image, generator)'],
  [() => new T.RandomApply([], { p: -1 }), 'RandomApply: p must be in [0, 1], got -1'],
  [() => new T.RandomChoice([]), 'RandomChoice: needs transforms and a weight of at least 0 for each, got 0 and 0'],
  [() => new T.RandomChoice([F.hflip], { weights: [0] }), 'RandomChoice: needs transforms and a weight of at least 0 for each, got 1 and 1'],
  [() => new T.RandomChoice([F.hflip, wrong({})]), 'RandomChoice: a transform is a function (image, generator) or an object with a method apply(image, generator)'],
  [() => new T.MixUp({ alpha: 0 }), 'MixUp: alpha must be above 0, got 0'],
  [() => new T.CutMix({ numClasses: 0 }), 'CutMix: numClasses must be an integer of at least 1, got 0'],
];

describe('options that make no sense', () => {
  it.each(REJECTIONS)('%#', (call, message) => {
    expect(failure(call)).toBe(`ArgumentError ERR_ARGUMENT ${message}`);
  });

  it('a value to erase with of another shape', () => {
    expect(failure(() => F.erase(image, 0, 0, 2, 2, zeros([3, 2, 1])))).toBe(
      'ShapeError ERR_SHAPE erase: value must be [3, 2, 2], got [3, 2, 1]',
    );
  });
});
