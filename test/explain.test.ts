import { describe, expect, it } from 'vitest';
import { conv2d, manualSeed, nn, noGrad, rand, relu, type Tensor, tensor, zeros } from '../lib/index.js';
import {
  explanationPicture,
  featureMaps,
  featureMapsPicture,
  gradCam,
  kernelsPicture,
  saliency,
} from '../lib/vision/index.js';
import { failure } from './failure.js';
import { readGolden, restore, type Stored } from './golden/cases.js';

interface ExplainCase {
  name: string;
  target: number[] | null;
  inputs: Record<string, Stored>;
  classes: number[];
  saliency: Stored;
  gradCam: Stored;
}

/** The network of the golden answers. */
class GoldenNet extends nn.Module {
  readonly conv1 = new nn.Conv2d(2, 4, 3, { padding: 1 });
  readonly conv2 = new nn.Conv2d(4, 5, 3, { stride: 2, padding: 1 });
  readonly relu = new nn.ReLU();
  readonly flatten = new nn.Flatten();
  readonly fc = new nn.Linear(60, 3);

  constructor(inputs: Record<string, Stored>) {
    super();
    const weights = ['conv1', 'conv2', 'fc'].flatMap((layer, i) => [
      [`${layer}.weight`, restore(inputs[`weight${i + 1}`], 'float32')],
      [`${layer}.bias`, restore(inputs[`bias${i + 1}`], 'float32')],
    ]);
    this.loadStateDict(Object.fromEntries(weights));
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const maps = this.relu.forward(this.conv2.forward(relu(this.conv1.forward(x))));
    return this.fc.forward(this.flatten.forward(maps));
  }
}

describe.each(readGolden<ExplainCase>('explain'))('PyTorch agrees: $name', (golden) => {
  const net = new GoldenNet(golden.inputs);
  const x = restore(golden.inputs.x, 'float32') as Tensor<'float32'>;
  const options = golden.target ? { target: golden.target } : {};
  /** Values below 1, from sums of up to 60 terms of that size, through three layers. */
  const closeTo = ({ data }: Stored) => data.map((value) => expect.closeTo(value, 4));

  it('saliency', () => {
    const map = saliency(net, x, options);
    expect(map.shape).toEqual(golden.saliency.shape);
    expect([...map.data]).toEqual(closeTo(golden.saliency));
  });

  it('Grad-CAM, of the last layer with maps or the named one', () => {
    for (const map of [gradCam(net, x, options), gradCam(net, x, { ...options, layer: 'relu' })]) {
      expect(map.shape).toEqual(golden.gradCam.shape);
      expect([...map.data]).toEqual(closeTo(golden.gradCam));
    }
  });
});

const small = () =>
  new nn.Sequential(
    new nn.Conv2d(1, 4, 3),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(36, 3),
  );

/** Whose answer has nothing to do with the image. */
class Constant extends nn.Module {
  readonly unused = new nn.Conv2d(1, 1, 1);
  readonly fc = new nn.Linear(2, 3);

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    this.unused.forward(x);
    return this.fc.forward(zeros([x.shape[0], 2]));
  }
}

describe('featureMaps', () => {
  it('gives what each layer computes, in inference mode', () => {
    const net = small();
    const x = rand([2, 1, 8, 8]);
    const maps = featureMaps(net, x);
    expect(Object.entries(maps).map(([name, { shape }]) => [name, shape])).toEqual([
      ['0', [2, 4, 6, 6]],
      ['1', [2, 4, 6, 6]],
      ['2', [2, 4, 6, 6]],
      ['3', [2, 4, 3, 3]],
      ['4', [2, 36]],
      ['5', [2, 3]],
    ]);
    net.eval();
    expect(maps['5'].toArray()).toEqual(noGrad(() => net.forward(x)).toArray());
    expect(maps['0'].requiresGrad).toBe(false);
    expect(Object.keys(featureMaps(net, x, ['2', '0'])).sort()).toEqual(['0', '2']);
  });

  it('leaves the model as it was, also when something fails', () => {
    const net = small();
    net.layers[1].eval();
    const own = net.layers[0].forward;
    const modes = () => net.modules().map(([, { training }]) => training);
    const before = modes();
    featureMaps(net, zeros([1, 1, 8, 8]));
    expect(failure(() => featureMaps(net, zeros([1, 2, 8, 8])))).toMatch(/^ShapeError/);
    expect(modes()).toEqual(before);
    expect(net.layers[0].forward).toBe(own);
    expect(net.layers.some((layer) => Object.hasOwn(layer, 'forward'))).toBe(false);
    const replaced = (x: Tensor) => x;
    net.layers[2].forward = replaced;
    featureMaps(net, zeros([1, 1, 8, 8]));
    expect(net.layers[2].forward).toBe(replaced);
  });

  it('has the last call of a layer that is called twice, and names nested ones', () => {
    class Twice extends nn.Module {
      readonly block = new nn.Sequential(new nn.ReLU());
      forward(x: Tensor<'float32'>): Tensor<'float32'> {
        return this.block.forward(this.block.forward(x).sub(2));
      }
    }
    const maps = featureMaps(new Twice(), tensor([1, 3]));
    expect(Object.entries(maps).map(([name, map]) => [name, map.toArray()])).toEqual([
      ['block.0', [0, 1]],
      ['block', [0, 1]],
    ]);
  });

  it('says which layers there are', () => {
    expect(failure(() => featureMaps(small(), zeros([1, 1, 8, 8]), ['conv']))).toBe(
      "ArgumentError ERR_ARGUMENT featureMaps: no module 'conv' took part in the forward pass; those that did are 0, 1, 2, 3, 4, 5",
    );
    expect(failure(() => featureMaps({} as never, zeros([1])))).toContain('model must be a module');
    expect(failure(() => featureMaps(small(), [1] as never))).toContain('x must be a tensor');
  });
});

describe('saliency and Grad-CAM', () => {
  it('of a linear model are its weights', () => {
    const net = new nn.Sequential(new nn.Flatten(), new nn.Linear(8, 2));
    const { weight } = net.layers[1] as nn.Linear;
    const map = saliency(net, rand([3, 2, 2, 2]), { target: 1 });
    const [, row] = weight.toArray() as number[][];
    const expected = [0, 1, 2, 3].map((i) => Math.max(Math.abs(row[i]), Math.abs(row[i + 4])));
    expect(map.reshape([3, 4]).toArray()).toEqual([expected, expected, expected]);
  });

  it('show where the evidence is', () => {
    // one class likes the top left corner bright, the other the bottom right one
    class Corners extends nn.Module {
      readonly relu = new nn.ReLU();
      forward(x: Tensor<'float32'>): Tensor<'float32'> {
        const maps = this.relu.forward(conv2d(x, tensor([[[[1]]]])));
        return maps
          .slice([null, null, [0, 7, 6], [0, 7, 6]])
          .flatten(1)
          .matmul(
            tensor([
              [1, 0],
              [0, 0],
              [0, 0],
              [0, 1],
            ]),
          ) as Tensor<'float32'>;
      }
    }
    const image = zeros([1, 1, 7, 7]);
    image.data[0] = 1;
    image.data[48] = 0.5;
    const map = saliency(new Corners(), image, { target: 1 });
    expect([...map.data].map((value, i) => (value > 0 ? i : -1)).filter((i) => i >= 0)).toEqual([48]);
    const cam = gradCam(new Corners(), image);
    expect([cam.data[0], cam.data[24]]).toEqual([1, 0]);
  });

  it('of nothing that speaks for a class is 0 and not NaN', () => {
    const net = new nn.Sequential(new nn.Conv2d(1, 1, 1), new nn.ReLU(), new nn.Flatten(), new nn.Linear(4, 2));
    const maps = gradCam(net, zeros([2, 1, 2, 2]).sub(1e6) as Tensor<'float32'>, { target: 0 });
    expect([...maps.data].every((value) => value >= 0 && value <= 1)).toBe(true);
    (net.layers[3] as nn.Linear).weight.data.fill(0);
    expect([...gradCam(net, rand([1, 1, 2, 2])).data]).toEqual([0, 0, 0, 0]);
  });

  it('take classes in any form, and leave gradients and images alone', () => {
    const net = small();
    const x = rand([2, 1, 8, 8]);
    const labels = tensor([1, 2], { dtype: 'int64' });
    const [byTensor, byList] = [labels, [1, 2]].map((target) => saliency(net, x, { target }).toArray());
    expect(byTensor).toEqual(byList);
    expect([x.requiresGrad, x.grad, net.parameters().every(({ grad }) => grad === null)]).toEqual([false, null, true]);
    for (const parameter of net.parameters()) parameter.requiresGrad = false;
    expect(saliency(net, x, { target: [1, 2] }).toArray()).toEqual(byList);
    expect(gradCam(net, x).shape).toEqual([2, 8, 8]);
  });

  it.each<[() => unknown, string]>([
    [
      () => saliency(small(), zeros([1, 8, 8])),
      'ShapeError ERR_SHAPE saliency: x must be images [n, c, h, w], got [1, 8, 8]',
    ],
    [
      () => saliency(small(), zeros([1, 1, 8, 8], { dtype: 'float64' }) as never),
      'DTypeError ERR_DTYPE saliency: x must be float32, got float64',
    ],
    [
      () => saliency(small(), zeros([2, 1, 8, 8]), { target: 3 }),
      'ArgumentError ERR_ARGUMENT saliency: target must be 2 classes in [0, 3), one for each image, got 3, 3',
    ],
    [
      () => gradCam(small(), zeros([2, 1, 8, 8]), { target: [1] }),
      'ArgumentError ERR_ARGUMENT gradCam: target must be 2 classes in [0, 3), one for each image, got 1',
    ],
    [
      () => saliency(new nn.Conv2d(1, 1, 1), zeros([1, 1, 2, 2])),
      "ShapeError ERR_SHAPE saliency: the model's output must be scores [n, classes], got [1, 1, 2, 2]",
    ],
    [
      () => saliency(new Constant(), zeros([1, 1, 2, 2])),
      'ArgumentError ERR_ARGUMENT saliency: the output does not depend on the images',
    ],
    [
      () => gradCam(new Constant(), zeros([1, 1, 2, 2]), { layer: 'unused' }),
      "ArgumentError ERR_ARGUMENT gradCam: the score does not depend on the output of layer 'unused'",
    ],
    [
      () => gradCam(small(), zeros([1, 1, 8, 8]), { layer: '4' }),
      "ShapeError ERR_SHAPE gradCam: layer '4' must give feature maps [n, c, h, w], its output is [1, 36]",
    ],
    [
      () => gradCam(new nn.Sequential(new nn.Flatten(), new nn.Linear(4, 2)), zeros([1, 1, 2, 2])),
      'ArgumentError ERR_ARGUMENT gradCam: no layer of the model gives feature maps [n, c, h, w]',
    ],
  ])('%# says what is wrong', (call, message) => {
    expect(failure(call)).toBe(message);
  });
});

describe('pictures', () => {
  const net = () => {
    manualSeed(1);
    return small();
  };
  const imagesIn = (svg: string) => svg.match(/<image /g)?.length ?? 0;

  it('of kernels', async () => {
    const svg = await kernelsPicture(net());
    expect(svg).toContain('Kernels of 0: 4 over 1 channel, 3×3');
    expect(imagesIn(svg)).toBe(4);
    const color = new nn.Sequential(new nn.ReLU(), new nn.Conv2d(3, 5, 7), new nn.Conv2d(5, 6, 3));
    expect(imagesIn(await kernelsPicture(color))).toBe(5);
    const deep = await kernelsPicture(color, { layer: '2', limit: 10 });
    expect(deep).toContain('Kernels of 2: 6 over 5 channels, 3×3, the first 10 of them');
    expect(imagesIn(deep)).toBe(10);
    await expect(kernelsPicture(color, { layer: '0' })).rejects.toThrow("there is no convolution '0'");
    await expect(kernelsPicture(color, { limit: -1 })).rejects.toThrow(
      'kernelsPicture: limit must be an integer of at least 1, got -1',
    );
    await expect(kernelsPicture(new nn.ReLU())).rejects.toThrow('the model has no convolution');
  });

  it('of feature maps', async () => {
    const svg = await featureMapsPicture(net(), rand([1, 1, 8, 8]));
    for (const title of ['input', '2: ReLU', '4 of 6×6', '3: MaxPool2d', '4 of 3×3']) expect(svg).toContain(title);
    expect(svg).not.toContain('BatchNorm2d');
    expect(imagesIn(svg)).toBe(9);
    const chosen = await featureMapsPicture(net(), rand([1, 1, 8, 8]), { layers: ['1'], channels: 2 });
    expect([imagesIn(chosen), chosen.includes('the first 2')]).toEqual([3, true]);
    await expect(featureMapsPicture(net(), rand([1, 1, 8, 8]), { channels: 0 })).rejects.toThrow(
      'featureMapsPicture: channels must be an integer of at least 1, got 0',
    );
    await expect(featureMapsPicture(net(), rand([2, 1, 8, 8]))).rejects.toThrow('shows one image, got 2');
    await expect(featureMapsPicture(net(), rand([1, 1, 8, 8]), { layers: ['5'] })).rejects.toThrow(
      'there are no feature maps',
    );
  });

  it('of what speaks for an answer, in colour, normalised and with more channels too', async () => {
    const labels = ['cat', 'dog', 'cow'];
    const svg = await explanationPicture(net(), rand([2, 1, 8, 8]), { target: [2, 0], labels });
    expect(imagesIn(svg)).toBe(6);
    expect([svg.match(/>cow</g)?.length, svg.match(/>cat</g)?.length, svg.includes('>dog<')]).toEqual([3, 3, false]);
    const captions = ['a', 'b & c'];
    expect(await explanationPicture(net(), rand([2, 1, 8, 8]), { captions })).toContain('>b &amp; c<');
    for (const channels of [2, 3]) {
      const wide = new nn.Sequential(
        new nn.Conv2d(channels, 2, 3),
        new nn.ReLU(),
        new nn.Flatten(),
        new nn.Linear(8, 2),
      );
      const normalised = rand([1, channels, 4, 4]).sub(0.5).mul(4) as Tensor<'float32'>;
      expect(imagesIn(await explanationPicture(wide, normalised))).toBe(3);
    }
    await expect(explanationPicture(net(), rand([2, 1, 8, 8]), { captions: ['a'] })).rejects.toThrow(
      '1 captions for 2 images',
    );
  });
});
