// Fine-tunes an ONNX model: a network that reads digits learns to read them in a mirror.
//
//   node examples/finetune.mjs [digits.onnx] [mirrored.onnx]
//
// A file that is not there yet is made first, by training a small network on digits the right way round.
import { existsSync, writeFileSync } from 'node:fs';
import { Adam, crossEntropy, flip, Generator, InferenceSession, manualSeed, nn, noGrad } from 'convforge';
import { digits, TensorDataset } from 'convforge/data';
import { exportOnnx, toModule } from 'convforge/onnx';

const [source = 'digits.onnx', target = 'mirrored.onnx'] = process.argv.slice(2);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

manualSeed(1);
const generator = new Generator(1);
const [train, heldOut] = (await digits()).stratifiedSplit(0.2, generator);
const mirrored = ({ images, labels }) => new TensorDataset(flip(images, 3), labels);

if (!existsSync(source)) {
  const net = new nn.Sequential(
    new nn.Conv2d(1, 16, 3, { padding: 1 }),
    new nn.BatchNorm2d(16),
    new nn.ReLU(),
    new nn.Conv2d(16, 32, 3, { padding: 1 }),
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(32 * 4 * 4, 10),
  );
  adjust(net, train, { epochs: 5, lr: 3e-3 });
  writeFileSync(source, exportOnnx(net, train.images.slice([[0, 1]])));
  console.log(`${source}: reads ${percent(accuracy(net, heldOut))} of the held-out digits`);
}

// The imported model is a module like any other: its weights are parameters, its batch norms learn again.
const net = toModule(source);
console.log(`${source}: reads ${percent(accuracy(net, mirrored(heldOut)))} of them in the mirror`);
adjust(net, mirrored(train), { epochs: 3, lr: 1e-3 });
const learned = accuracy(net, mirrored(heldOut));
console.log(`fine-tuned: reads ${percent(learned)} of them in the mirror`);

writeFileSync(target, exportOnnx(net, train.images.slice([[0, 1]])));
const session = await InferenceSession.create(target);
const [input] = session.inputNames;
const [output] = session.outputNames;
const { images, labels } = mirrored(heldOut);
const results = await session.run({ [input]: images });
console.log(`${target}: reads ${percent(rightOnes(results[output], labels))} of them in the mirror`);
await session.release();

function adjust(net, dataset, { epochs, lr }) {
  const optimizer = new Adam(net.parameters(), { lr });
  net.train();
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { images, labels } of dataset.batches({ batchSize: 32, shuffle: true, generator })) {
      optimizer.zeroGrad();
      crossEntropy(net.forward(images), labels).backward();
      optimizer.step();
    }
  }
  net.eval();
}

function accuracy(net, { images, labels }) {
  net.eval();
  return rightOnes(
    noGrad(() => net.forward(images)),
    labels,
  );
}

/** The share of scores [count, classes] whose largest is the label's. */
function rightOnes(scores, labels) {
  const predicted = scores.argmax(1).data;
  return labels.data.reduce((right, label, i) => right + (predicted[i] === label), 0) / labels.size;
}
