// Trains a small convolutional network on MNIST for two epochs and tests it on the 10,000 held-out images.
//
//   CONVFORGE_DATA=<folder that holds mnist/> node examples/mnist.mjs
//
// mnist/ holds the four original files, train-images-idx3-ubyte.gz and so on.
import { Adam, backendInfo, crossEntropy, Generator, manualSeed, nn, noGrad } from 'convforge';
import { mnist } from 'convforge/data';
import { saveSafetensors } from 'convforge/io';

manualSeed(1);
const generator = new Generator(1);
const [train, test] = await Promise.all([mnist({ split: 'train' }), mnist({ split: 'test' })]);

const net = new nn.Sequential(
  new nn.Conv2d(1, 32, 3, { padding: 1 }),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(32, 64, 3, { padding: 1 }),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(64 * 7 * 7, 128),
  new nn.ReLU(),
  new nn.Dropout(0.25),
  new nn.Linear(128, 10),
);
const { backend, isa, threads } = backendInfo();
console.log(`${backend}${isa ? ` ${isa}, ${threads} threads` : ''}\n${net.summary([1, 1, 28, 28])}`);

const epochs = 2;
const batchSize = 64;
const steps = epochs * Math.ceil(train.length / batchSize);
const optimizer = new Adam(net.parameters());
let step = 0;
for (let epoch = 1; epoch <= epochs; epoch++) {
  const start = performance.now();
  let total = 0;
  net.train();
  for (const { images, labels } of train.batches({ batchSize, shuffle: true, generator })) {
    optimizer.lr = 2e-3 * (1 - step++ / steps);
    const loss = crossEntropy(net.forward(images), labels);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    total += loss.item() * labels.size;
  }
  const rate = train.length / ((performance.now() - start) / 1000);
  console.log(
    `epoch ${epoch}: loss ${(total / train.length).toFixed(4)}, ${rate.toFixed(0)} images/s, ` +
      `test accuracy ${(100 * accuracy(test)).toFixed(2)} %`,
  );
}
await saveSafetensors('mnist.safetensors', net.stateDict());
console.log('weights: mnist.safetensors');

function accuracy(dataset) {
  net.eval();
  let right = 0;
  for (const { images, labels } of dataset.batches({ batchSize: 500 })) {
    const predicted = noGrad(() => net.forward(images)).argmax(1);
    for (let i = 0; i < labels.size; i++) if (predicted.data[i] === labels.data[i]) right++;
  }
  return right / dataset.length;
}
