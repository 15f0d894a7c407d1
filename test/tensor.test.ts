import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  add,
  arange,
  cast,
  concat,
  type DType,
  expand,
  flatten,
  full,
  lt,
  matmul,
  max,
  mean,
  min,
  ones,
  permute,
  reshape,
  slice,
  squeeze,
  stack,
  sum,
  Tensor,
  tensor,
  unsqueeze,
  where,
  zeros,
} from '../lib/index.js';
import { failure } from './failure.js';

const { NaN: NAN, POSITIVE_INFINITY: INFINITY } = Number;

describe('a tensor is made', () => {
  it('from typed arrays, whose kind is its dtype and whose memory is its own', () => {
    const arrays = [
      Float32Array.of(1, 2),
      Float64Array.of(1, 2),
      Int32Array.of(1, 2),
      BigInt64Array.of(1n, 2n),
      Uint8Array.of(1, 2),
    ];
    const made = arrays.map((data) => new Tensor(data as Float32Array));
    expect(made.map(({ dtype }) => dtype)).toEqual(['float32', 'float64', 'int32', 'int64', 'uint8']);
    made.forEach((t, i) => {
      expect(t.data).toBe(arrays[i]);
      expect(t.shape).toEqual([2]);
      expect(tensor(arrays[i] as Float32Array, [2, 1]).data).toBe(arrays[i]);
    });
    const bytes = Uint8Array.of(1, 0);
    expect(new Tensor('bool', bytes, [2]).data).toBe(bytes);
    expect(tensor(new Float32Array(8).subarray(2, 5)).shape).toEqual([3]);
  });

  it("in onnxruntime's way, with its names", () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const x = new Tensor('float32', data, [1, 2, 3]);
    expect([x.type, x.dims, x.dtype, x.shape, x.size, x.rank]).toEqual([
      'float32',
      [1, 2, 3],
      'float32',
      [1, 2, 3],
      6,
      3,
    ]);
    expect(new Tensor('float32', data).shape).toEqual([6]);
    expect(new Tensor('int64', [1, 2], [2]).toArray()).toEqual([1, 2]);
  });

  it('from nested arrays, scalars and nothing', () => {
    expect(tensor([[1, 2], [3, 4], [5, 6]]).shape).toEqual([3, 2]); // biome-ignore format: a matrix
    expect([tensor(5).shape, tensor(5).item()]).toEqual([[], 5]);
    expect([tensor([]).shape, tensor([]).size, tensor([[], []]).shape]).toEqual([[0], 0, [2, 0]]);
    expect(tensor([1, 2, 3, 4], [2, 2]).toArray()).toEqual([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    expect([tensor([true, false]).dtype, tensor([1n]).dtype, tensor([1]).dtype]).toEqual(['bool', 'int64', 'float32']);
  });

  it('with a dtype, to which elements are converted as cast does', () => {
    const of = (dtype: DType) => tensor([1.9, -1.9, NAN, 300, 0], { dtype }).toArray();
    expect(of('float64')).toEqual([1.9, -1.9, NAN, 300, 0]);
    expect(of('float32')).toEqual([Math.fround(1.9), Math.fround(-1.9), NAN, 300, 0]);
    expect(of('int32')).toEqual([1, -1, 0, 300, 0]);
    expect(of('int64')).toEqual([1, -1, 0, 300, 0]);
    expect(of('uint8')).toEqual([1, 255, 0, 44, 0]);
    expect(of('bool')).toEqual([1, 1, 1, 1, 0]);
    for (const dtype of ['float64', 'float32', 'int32', 'int64', 'uint8', 'bool'] as const) {
      expect(cast(tensor([1.9, -1.9, NAN, 300, 0], { dtype: 'float64' }), dtype).toArray()).toEqual(of(dtype));
    }
    expect(tensor([1n, 2n], { dtype: 'float32' }).toArray()).toEqual([1, 2]);
  });

  it('by zeros, ones, full and arange', () => {
    expect(zeros([2, 1]).toArray()).toEqual([[0], [0]]);
    expect(ones([2], { dtype: 'int64' }).data).toEqual(BigInt64Array.of(1n, 1n));
    expect([full([2], 2.5, { dtype: 'int64' }).toArray(), full([1], 2, { dtype: 'bool' }).toArray()]).toEqual([
      [2, 2],
      [1],
    ]);
    expect([full([], -3).item(), zeros([0, 3]).toArray(), zeros([2, 0]).toArray()]).toEqual([-3, [], [[], []]]);
    expect([arange(3), arange(2, 10, 3), arange(1, -2, -1), arange(5, 2)].map((t) => t.toArray())).toEqual([[0, 1, 2], [2, 5, 8], [1, 0, -1], []]); // biome-ignore format: four vectors
    expect(zeros([2], { requiresGrad: true }).requiresGrad).toBe(true);
  });

  it('never with a shape that can be changed afterwards', () => {
    const given = [2, 3];
    const x = tensor(new Float32Array(6), given);
    given[0] = 9;
    expect(x.shape).toEqual([2, 3]);
    const results = [x, x.detach(), add(x, 1), sum(x, 0), matmul(x, permute(x, [1, 0])), reshape(x, [6]), x.grad ?? x];
    for (const { shape } of results) expect(() => (shape as number[]).push(1)).toThrow(TypeError);
  });

  it.each<[() => unknown, string]>([
    [() => tensor([1, 2, 3], [2, 2]), 'ShapeError ERR_SHAPE Tensor: shape [2, 2] has 4 elements, data has 3'],
    [() => tensor([[1, 2], [3]]), 'ShapeError ERR_SHAPE Tensor: rows of nested arrays differ in shape: [2] and [1]'],
    [() => tensor([1, [2]]), 'ShapeError ERR_SHAPE Tensor: rows of nested arrays differ in shape: [] and [1]'],
    [() => tensor([1, 'a'] as never), 'ArgumentError ERR_ARGUMENT Tensor: nested arrays must hold numbers, got string'],
    [() => tensor([null] as never), 'ArgumentError ERR_ARGUMENT Tensor: nested arrays must hold numbers, got null'],
    [
      () => tensor(new Int16Array(2) as never),
      'ArgumentError ERR_ARGUMENT Tensor: data must be a typed array of a supported kind or nested arrays of numbers, got Int16Array',
    ],
    [
      () => tensor(tensor([1]) as never),
      'ArgumentError ERR_ARGUMENT Tensor: data must be a typed array of a supported kind or nested arrays of numbers, got Tensor',
    ],
    [
      () => new Tensor('bool', Float32Array.of(1) as never),
      'DTypeError ERR_DTYPE Tensor: bool data must be a Uint8Array, got Float32Array',
    ],
    [
      () => tensor([1], { dtype: 'float16' as never }),
      'ArgumentError ERR_ARGUMENT tensor: dtype must be one of float32, float64, int32, int64, uint8, bool, got "float16"',
    ],
    [
      () => new Tensor('float16' as 'float32', Float32Array.of(1), [1]),
      'ArgumentError ERR_ARGUMENT Tensor: dtype must be one of float32, float64, int32, int64, uint8, bool, got "float16"',
    ],
    [
      () => tensor(new Float32Array(2), 2 as never),
      'ArgumentError ERR_ARGUMENT tensor: the second argument must be a shape or options, got 2',
    ],
    [() => zeros([2, -1]), 'ShapeError ERR_SHAPE zeros: a shape is an array of integers of at least 0, got [2,-1]'],
    [() => ones([1.5]), 'ShapeError ERR_SHAPE full: a shape is an array of integers of at least 0, got [1.5]'],
    [() => zeros(3 as never), 'ShapeError ERR_SHAPE zeros: a shape is an array of integers of at least 0, got 3'],
    [
      () => zeros([1, 1, 1, 1, 1, 1, 1, 1, 1]),
      'ShapeError ERR_SHAPE zeros: a tensor has at most 8 axes, got [1, 1, 1, 1, 1, 1, 1, 1, 1]',
    ],
    [
      () => zeros([65536, 65536]),
      'ShapeError ERR_SHAPE zeros: a tensor of 4294967296 elements is larger than the 2147483647 a kernel can index',
    ],
    [
      () => expand(zeros([1]), [2 ** 31]),
      'ShapeError ERR_SHAPE Tensor: a tensor of 2147483648 elements is larger than the 2147483647 a kernel can index',
    ],
    [
      () => arange(0, 1, 0),
      'ArgumentError ERR_ARGUMENT arange: start, end and step must be finite and step not 0, got 0, 1, 0',
    ],
    [
      () => arange(INFINITY),
      'ArgumentError ERR_ARGUMENT arange: start, end and step must be finite and step not 0, got 0, Infinity, 1',
    ],
  ])('%# or refused with a reason', (make, message) => {
    expect(failure(make)).toBe(message);
  });
});

describe('elements are read', () => {
  it('by item, toArray and data', () => {
    expect(tensor([[7]]).item()).toBe(7);
    expect(tensor([5n, -(2n ** 53n)]).toArray()).toEqual([5, -(2 ** 53)]);
    expect(tensor([true, false]).toArray()).toEqual([1, 0]);
    expect(tensor([1n]).item()).toBe(1);
    expect(failure(() => tensor([1, 2]).item())).toBe(
      'ShapeError ERR_SHAPE item: needs exactly one element, the tensor has shape [2]',
    );
    expect(failure(() => zeros([0]).item())).toContain('the tensor has shape [0]');
    expect(tensor([[[1, 2]], [[3, 4]]]).toArray()).toEqual([[[1, 2]], [[3, 4]]]);
  });

  it('in print, the first six', () => {
    expect(String(tensor([[1, 2.5], [3, 4]]))).toBe('Tensor(float32 [2, 2]: 1, 2.5, 3, 4)'); // biome-ignore format: a matrix
    expect(inspect(arange(7))).toBe('Tensor(float32 [7]: 0, 1, 2, 3, 4, 5, …)');
    expect(`${tensor([3n])}`).toBe('Tensor(int64 [1]: 3)');
  });
});

describe('memory', () => {
  it('is shared by reshape and detach, and by nothing else', () => {
    const x = tensor([[1, 2], [3, 4]]); // biome-ignore format: a matrix
    const shared = [reshape(x, [4]), flatten(x), squeeze(unsqueeze(x, 0)), x.detach()];
    const copies = [
      x.clone(),
      permute(x, [0, 1]),
      slice(x, []),
      expand(x, [2, 2]),
      concat([x]),
      sum(x, []),
      max(x, []),
    ];
    x.data[0] = 9;
    for (const t of shared) expect(t.data[0]).toBe(9);
    for (const t of copies) expect(t.data[0]).toBe(1);
  });

  it('is not shared by a reduction of a scalar', () => {
    const x = tensor(2);
    const results = [sum(x), mean(x), max(x), min(x)];
    x.data[0] = 9;
    expect(results.map((t) => t.item())).toEqual([2, 2, 2, 2]);
  });
});

describe('dtypes', () => {
  it('of two operands must be one that has arithmetic', () => {
    const wide = tensor([1], { dtype: 'float64' });
    expect(failure(() => add(tensor([1]) as Tensor, wide))).toBe(
      'DTypeError ERR_DTYPE add: operands must share one dtype, got float32 and float64',
    );
    expect(failure(() => tensor([1], { dtype: 'int32' }).exp())).toBe(
      "DTypeError ERR_DTYPE exp: expects float32 or float64, got int32; convert with .to('float32')",
    );
    expect(failure(() => sum(tensor([1n])))).toContain('sum: expects float32, float64 or int32, got int64');
    expect(failure(() => add(tensor([1]), '1' as never))).toBe(
      'ArgumentError ERR_ARGUMENT add: the second operand must be a tensor or a number, got string',
    );
    expect(add(wide, 0.1).item()).toBe(1.1); // the number is not rounded to float32 on the way
    expect(failure(() => where(tensor([1]) as never, wide, wide))).toBe(
      'DTypeError ERR_DTYPE where: condition must be bool, got float32',
    );
  });

  it('of moved elements may be any', () => {
    for (const dtype of ['int32', 'int64', 'uint8', 'bool', 'float64'] as const) {
      const x = tensor([[1, 0, 1], [0, 0, 1]], { dtype }) as Tensor; // biome-ignore format: a matrix
      const moved = [
        permute(x, [1, 0]),
        slice(x, [null, [0, null, 2]]),
        concat([x, x]),
        stack([x]),
        expand(x, [1, 2, 3]),
      ];
      expect(moved.map((t) => t.dtype)).toEqual(Array(5).fill(dtype));
      expect(moved[0].toArray()).toEqual([[1, 0], [0, 0], [1, 1]]); // biome-ignore format: a matrix
      expect(moved[1].toArray()).toEqual([[1, 1], [0, 1]]); // biome-ignore format: a matrix
    }
    expect(failure(() => concat([tensor([1]) as Tensor, tensor([1n])]))).toBe(
      'DTypeError ERR_DTYPE concat: dtypes differ: float32 and int64',
    );
  });

  it('are cast: fractions cut, integers wrapped without a detour over doubles', () => {
    expect(cast(tensor([3e9, -1.5]), 'int32').toArray()).toEqual([3e9 - 2 ** 32, -1]);
    expect(cast(tensor([2n ** 53n + 1n, -1n]), 'uint8').toArray()).toEqual([1, 255]);
    expect(cast(tensor([2n ** 62n + 3n]), 'int32').toArray()).toEqual([3]);
    expect(cast(tensor([2n ** 53n + 1n]), 'float64').toArray()).toEqual([2 ** 53]);
    expect(cast(tensor([INFINITY, NAN]), 'int64').toArray()).toEqual([0, 0]);
    const x = tensor([1]);
    expect(cast(x, 'float32')).toBe(x);
    expect(failure(() => cast(x, 'half' as never))).toBe(
      'ArgumentError ERR_ARGUMENT cast: dtype must be one of float32, float64, int32, int64, uint8, bool, got "half"',
    );
  });
});

describe('broadcasting', () => {
  // Every rank pairing and every place of a stretched axis, against index arithmetic.
  const shapes = [[], [1], [3], [2, 3], [2, 1], [1, 3], [4, 1, 3], [4, 2, 1], [1, 1, 1], [0], [0, 3], [2, 0]];
  const pairs = shapes.flatMap((a) => shapes.map((b) => [a, b] as const));
  const fits = (a: readonly number[], b: readonly number[]) =>
    a.every((extent, i) => {
      const other = b.at(i - a.length) ?? 1;
      return i - a.length < -b.length || extent === other || extent === 1 || other === 1;
    });

  it.each(pairs.filter(([a, b]) => fits(a, b)))('[%s] with [%s]', (a, b) => {
    const [x, y] = [a, b].map((shape, k) =>
      arange(shape.reduce((p, e) => p * e, 1))
        .mul(1 + 9 * k)
        .add(1)
        .reshape(shape),
    );
    const rank = Math.max(a.length, b.length);
    const [p, q] = [a, b].map((shape) => [...Array<number>(rank - shape.length).fill(1), ...shape]);
    const shape = p.map((extent, i) => (extent === 1 ? q[i] : extent));
    const z = add(x, y);
    expect(z.shape).toEqual(shape);
    const expected = Array.from({ length: z.size }, (_, at) => {
      let [ix, iy, rest, sx, sy] = [0, 0, at, 1, 1];
      for (let axis = rank - 1; axis >= 0; axis--) {
        const i = rest % shape[axis];
        rest = Math.floor(rest / shape[axis]);
        ix += (p[axis] === 1 ? 0 : i) * sx;
        iy += (q[axis] === 1 ? 0 : i) * sy;
        sx *= p[axis];
        sy *= q[axis];
      }
      return x.data[ix] + y.data[iy];
    });
    expect(Array.from(z.data)).toEqual(expected);
    expect(Array.from(lt(x, y).data)).toEqual(
      Array.from(x.expand(shape).data, (v, i) => Number(v < y.expand(shape).data[i])),
    );
  });

  it('says which extents do not fit', () => {
    const refused = pairs.filter(([a, b]) => !fits(a, b));
    expect(refused.length).toBeGreaterThan(10);
    for (const [a, b] of refused) expect(failure(() => add(zeros(a), zeros(b)))).toContain('do not broadcast');
    expect(failure(() => add(zeros([2, 3]), zeros([2])))).toBe(
      'ShapeError ERR_SHAPE add: shapes [2, 3] and [2] do not broadcast: 3 against 2',
    );
    expect(failure(() => expand(zeros([3]), [1]))).toBe('ShapeError ERR_SHAPE expand: [3] does not stretch to [1]');
  });
});
