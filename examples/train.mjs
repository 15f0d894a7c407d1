// Trains a classifier with everything a serious training has: shuffled and shifted images, a learning rate that goes up and
// down, averaged weights, validation, checkpoints, early stopping; then tells how good it is and draws what it looks at.
//
//   node examples/train.mjs [run folder] [epochs]
//
// Stop it with Ctrl-C, start it again, and it goes on where it was, bit for bit.
import { join } from 'node:path';
import { AdamW, accuracy, crossEntropy, Generator, manualSeed, nn, optim, Trainer } from 'convforge';
import { DataLoader, digits, transforms } from 'convforge/data';
import { explanationPicture, savePicture } from 'convforge/vision';

const [folder = join('runs', 'example'), epochs = '12'] = process.argv.slice(2);

manualSeed(1);
const [train, heldOut] = (await digits()).stratifiedSplit(0.2, new Generator(1));
const loader = new DataLoader(train, {
  batchSize: 32,
  shuffle: true,
  seed: 1,
  transform: new transforms.RandomCrop(8, { padding: 1 }),
});
const validation = new DataLoader(heldOut, { batchSize: 128 });

const model = new nn.Sequential(
  new nn.Conv2d(1, 32, 3, { padding: 1 }),
  new nn.BatchNorm2d(32),
  new nn.ReLU(),
  new nn.Conv2d(32, 64, 3, { padding: 1 }),
  new nn.BatchNorm2d(64),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Dropout(0.3),
  new nn.Linear(64 * 4 * 4, 10),
);
const optimizer = new AdamW(model.parameters(), { lr: 5e-3 });
const trainer = new Trainer({
  model,
  optimizer,
  loss: (scores, labels) => crossEntropy(scores, labels, { labelSmoothing: 0.05 }),
  metrics: { accuracy },
  scheduler: new optim.OneCycleLR(optimizer, { maxLr: 5e-3, epochs: Number(epochs), stepsPerEpoch: loader.length }),
  schedulerInterval: 'step',
  clipGradNorm: 5,
  ema: new optim.ExponentialMovingAverage(model, { decay: 0.98, warmUp: true }),
});

const { best, stopped } = await trainer.fit(loader, {
  epochs: Number(epochs),
  validation,
  monitor: 'validation.accuracy',
  earlyStopping: { patience: 8 },
  folder,
  resume: true,
  metadata: { classes: '0123456789' },
});
console.log(`${stopped}; best after epoch ${best?.epoch}: ${(100 * best?.value).toFixed(2)} %`);
if (stopped === 'interrupted') process.exit(130);

const { classification } = await trainer.evaluate(validation, { topK: 2 });
console.log(`${classification.report}\namong the 2 best: ${(100 * classification.topK.accuracy).toFixed(2)} %`);

const { images, labels } = heldOut.select([0, 1, 2, 3, 4, 5]);
const picture = join(folder, 'explained.png');
await savePicture(picture, await explanationPicture(model, images, { captions: [...labels.data].map(String) }));
console.log(`${folder}: checkpoints, history and curves; ${picture}: what speaks for the answers`);
