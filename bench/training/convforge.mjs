// Our training steps: the whole as one native program (`compiled`), or op by op (`eager`, and `typescript` without native
// kernels).
import * as convforge from 'convforge';
import { Unsupported } from '../sides/unsupported.mjs';
import { batchOf, CLASSES, firstValues, LEARNING_RATE, MOMENTUM, networks } from './networks.mjs';

const { crossEntropy, nn, optim, tensor } = convforge;

const relu = () => new nn.ReLU();
const conv3 = (ic, oc, options) => new nn.Conv2d(ic, oc, 3, { padding: 1, bias: false, ...options });
const normalised = (ic, oc) => [conv3(ic, oc), new nn.BatchNorm2d(oc), relu()];

/** He et al. 2016, the block of two 3×3. */
class BasicBlock extends nn.Module {
  constructor(ic, oc, stride) {
    super();
    this.conv1 = conv3(ic, oc, { stride });
    this.bn1 = new nn.BatchNorm2d(oc);
    this.conv2 = conv3(oc, oc);
    this.bn2 = new nn.BatchNorm2d(oc);
    this.downsample =
      stride === 1 && ic === oc
        ? null
        : new nn.Sequential(new nn.Conv2d(ic, oc, 1, { stride, bias: false }), new nn.BatchNorm2d(oc));
  }

  forward(x) {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    const shortcut = this.downsample?.forward(x) ?? x;
    return this.bn2.forward(this.conv2.forward(y)).add(shortcut).relu();
  }
}

const LAYERS = {
  lenet: () => [
    ...[new nn.Conv2d(1, 6, 5, { padding: 2 }), relu(), new nn.MaxPool2d(2)],
    ...[new nn.Conv2d(6, 16, 5), relu(), new nn.MaxPool2d(2), new nn.Flatten()],
    ...[new nn.Linear(400, 120), relu(), new nn.Linear(120, 84), relu(), new nn.Linear(84, CLASSES)],
  ],
  mnist_cnn: () => [
    ...[new nn.Conv2d(1, 32, 3), relu(), new nn.Conv2d(32, 64, 3), relu(), new nn.MaxPool2d(2), new nn.Flatten()],
    ...[new nn.Linear(9216, 128), relu(), new nn.Linear(128, CLASSES)],
  ],
  vgg_cifar: () => [
    ...[...normalised(3, 32), ...normalised(32, 32), new nn.MaxPool2d(2)],
    ...[...normalised(32, 64), ...normalised(64, 64), new nn.MaxPool2d(2)],
    ...[...normalised(64, 128), ...normalised(128, 128), new nn.MaxPool2d(2)],
    ...[new nn.Flatten(), new nn.Linear(2048, CLASSES)],
  ],
  resnet18_cifar: () => [
    ...normalised(3, 64),
    ...[new BasicBlock(64, 64, 1), new BasicBlock(64, 64, 1), new BasicBlock(64, 128, 2), new BasicBlock(128, 128, 1)],
    ...[new BasicBlock(128, 256, 2), new BasicBlock(256, 256, 1)],
    ...[new BasicBlock(256, 512, 2), new BasicBlock(512, 512, 1)],
    ...[new nn.AdaptiveAvgPool2d(1), new nn.Flatten(), new nn.Linear(512, CLASSES)],
  ],
};

/** A network with its first values, in training mode. */
export function makeNetwork(name) {
  const model = new nn.Sequential(...LAYERS[name]());
  for (const [index, [path, parameter]] of model.namedParameters().entries()) {
    parameter.data.set(firstValues(path, parameter.shape, index));
  }
  return model;
}

/**
 * A training step as a function that makes one and resolves to its loss.
 *
 * @throws Unsupported where this build cannot compile steps
 */
export async function openStep({ side, network }) {
  const model = makeNetwork(network);
  const optimizer = new optim.SGD(model.parameters(), { lr: LEARNING_RATE, momentum: MOMENTUM });
  const { x, shape, labels } = batchOf(networks[network]);
  const batch = [tensor(x, shape), tensor(labels, [labels.length])];
  if (side !== 'compiled') {
    return async function eagerStep() {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(batch[0]), batch[1]);
      loss.backward();
      optimizer.step();
      return loss.item();
    };
  }
  if (!convforge.compileStep) throw new Unsupported('this build of convforge has no compileStep');
  const step = await convforge.compileStep({ model, loss: crossEntropy, optimizer }, batch);
  return async () => (await step.run(batch)).loss.item();
}
