// Trains a small residual network on CIFAR-10 with augmentation, and tests it on the 10,000 held-out images after every
// epoch.
//
//   CONVFORGE_DATA=<folder that holds cifar10/> node examples/cifar10.mjs [epochs] [run folder]
//
// cifar10/ holds the images in a folder for each class: train.tar.gz and test.tar.gz, or train/ and test/. Without them the
// binary version is downloaded. With a run folder an interrupted training goes on where it was.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { accuracy, backendInfo, crossEntropy, manualSeed, nn, optim, SGD, Trainer } from 'convforge';
import { cifar10, DataLoader, imageFolder, transforms } from 'convforge/data';

const [epochs = 12, folder] = [process.argv[2] && Number(process.argv[2]), process.argv[3]];

/** The images of a split, decoded once. */
async function load(split) {
  const root = join(process.env.CONVFORGE_DATA ?? '', 'cifar10');
  const found = [join(root, `${split}.tar.gz`), join(root, split)].find((path) => existsSync(path));
  return found ? imageFolder(found, { cache: true }) : cifar10({ split });
}

/** Convolution, batch norm and ReLU; half the height and width where `shrink` is set. */
const block = (channels, filters, { shrink = false } = {}) =>
  new nn.Sequential(
    new nn.Conv2d(channels, filters, 3, { padding: 1, bias: false }),
    new nn.BatchNorm2d(filters),
    new nn.ReLU(),
    ...(shrink ? [new nn.MaxPool2d(2)] : []),
  );
const residual = (channels) => new nn.Residual(new nn.Sequential(block(channels, channels), block(channels, channels)));

manualSeed(1);
// A ResNet-9 of less than half the usual width: 58 million multiply-adds an image.
const model = new nn.Sequential(
  block(3, 32),
  block(32, 48, { shrink: true }),
  residual(48),
  block(48, 96, { shrink: true }),
  block(96, 192, { shrink: true }),
  residual(192),
  new nn.AdaptiveAvgPool2d(1),
  new nn.Flatten(),
  new nn.Linear(192, 10),
);

const normalize = new transforms.Normalize([0.491, 0.482, 0.447], [0.247, 0.243, 0.262]);
const augment = new transforms.Compose([
  new transforms.RandomCrop(32, { padding: 4, paddingMode: 'reflect' }),
  new transforms.RandomHorizontalFlip(),
  normalize,
]);
const [train, test] = await Promise.all([load('train'), load('test')]);
const batchSize = 128;
const loader = new DataLoader(train, {
  batchSize,
  shuffle: true,
  dropLast: true,
  seed: 1,
  transform: augment,
  workers: 1,
});
const validation = new DataLoader(test, { batchSize: 500, transform: normalize });

const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
const scheduler = new optim.OneCycleLR(optimizer, { maxLr: 0.1, totalSteps: epochs * loader.length, pctStart: 0.25 });
const loss = (output, labels) => crossEntropy(output, labels, { labelSmoothing: 0.1 });
const trainer = new Trainer({ model, optimizer, loss, metrics: { accuracy }, scheduler, schedulerInterval: 'step' });

const { backend, isa, threads } = backendInfo();
console.log(`${backend}${isa ? ` ${isa}, ${threads} threads` : ''}\n${model.summary([1, 3, 32, 32])}`);
const start = performance.now();
const { history } = await trainer.fit(loader, { epochs, validation, folder, resume: folder !== undefined });
const minutes = (performance.now() - start) / 60_000;
const { metrics } = await trainer.evaluate(validation);
console.log(
  `${history.length} epochs, ${minutes.toFixed(1)} minutes: accuracy ${(100 * metrics.accuracy).toFixed(2)} %`,
);
