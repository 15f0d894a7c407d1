// Trains a convolutional network on MNIST for three epochs and tests it on the 10,000 held-out images.
//
//   CONVFORGE_DATA=<folder that holds mnist/> node examples/mnist.mjs [epochs]
//
// mnist/ holds the four original files, train-images-idx3-ubyte.gz and so on; without them they are downloaded.
import { accuracy, backendInfo, crossEntropy, manualSeed, nn, optim, SGD, Trainer } from 'convforge';
import { DataLoader, mnist, transforms } from 'convforge/data';
import { saveSafetensors } from 'convforge/io';

const epochs = Number(process.argv[2] ?? 3);
const [train, test] = await Promise.all([mnist({ split: 'train' }), mnist({ split: 'test' })]);

/** Convolution, batch norm and ReLU. */
const block = (channels, filters) => [
  new nn.Conv2d(channels, filters, 3, { padding: 1, bias: false }),
  new nn.BatchNorm2d(filters),
  new nn.ReLU(),
];

manualSeed(1);
const model = new nn.Sequential(
  ...block(1, 32),
  ...block(32, 32),
  new nn.MaxPool2d(2),
  ...block(32, 64),
  ...block(64, 64),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Dropout(0.3),
  new nn.Linear(64 * 7 * 7, 10),
);

const loader = new DataLoader(train, {
  batchSize: 128,
  shuffle: true,
  seed: 1,
  // handwriting leans, and is larger or smaller; no flips: a mirrored 3 is none
  transform: new transforms.RandomAffine(8, { translate: [0.08, 0.08], scale: [0.92, 1.08] }),
  workers: 1,
});
const validation = new DataLoader(test, { batchSize: 500 });
const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9, nesterov: true, weightDecay: 5e-4 });
const trainer = new Trainer({
  model,
  optimizer,
  loss: (scores, labels) => crossEntropy(scores, labels, { labelSmoothing: 0.05 }),
  metrics: { accuracy },
  scheduler: new optim.OneCycleLR(optimizer, { maxLr: 0.1, epochs, stepsPerEpoch: loader.length, pctStart: 0.3 }),
  schedulerInterval: 'step',
});

const { backend, isa, threads } = backendInfo();
console.log(`${backend}${isa ? ` ${isa}, ${threads} threads` : ''}\n${model.summary([1, 1, 28, 28])}`);
const start = performance.now();
await trainer.fit(loader, { epochs, validation });
const seconds = (performance.now() - start) / 1000;
const { metrics } = await trainer.evaluate(validation);
console.log(`${epochs} epochs, ${seconds.toFixed(0)} s: test accuracy ${(100 * metrics.accuracy).toFixed(2)} %`);
await saveSafetensors('mnist.safetensors', model.stateDict());
console.log('weights: mnist.safetensors');
