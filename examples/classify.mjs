// Says what an ONNX model of ImageNet sees on a photograph.
//
//   node examples/classify.mjs model.onnx [photograph.jpg] [labels.txt]
//
// Any classifier of the ONNX model zoo does (https://github.com/onnx/models, validated/vision/classification), and what
// PyTorch exports:
//
//   import torch, torchvision
//   net = torchvision.models.mobilenet_v2(weights='DEFAULT').eval()
//   torch.onnx.export(net, torch.zeros(1, 3, 224, 224), 'mobilenet_v2.onnx')
//
// labels.txt has the names of the classes, one a line; without it they have numbers.
import { parseArgs } from 'node:util';
import { backendInfo, InferenceSession } from 'convforge';
import { readImage } from 'convforge/io';
import { pictureSize, preprocess, readLabels, topFive } from './imagenet.mjs';

const { positionals } = parseArgs({ allowPositionals: true });
const [path, photograph = 'assets/images/china.jpg', labelFile] = positionals;
if (!path) {
  console.error('usage: node examples/classify.mjs model.onnx [photograph.jpg] [labels.txt]');
  process.exit(2);
}
const labels = labelFile ? readLabels(labelFile) : undefined;

const start = performance.now();
const session = await InferenceSession.create(path);
const loaded = performance.now();
const [input] = session.inputNames;
const [output] = session.outputNames;
const picture = preprocess(await readImage(photograph), pictureSize(session));
const prepared = performance.now();
const results = await session.run({ [input]: picture });
const ran = performance.now();

const { backend, isa } = backendInfo();
console.log(`${photograph}, by ${path} on ${backend}${isa ? ` ${isa}` : ''}:`);
for (const { label, probability } of topFive(results[output], labels)) {
  console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${label}`);
}
const times = { loading: loaded - start, 'reading the photograph': prepared - loaded, 'the network': ran - prepared };
console.log(
  Object.entries(times)
    .map(([what, ms]) => `${what} ${ms.toFixed(1)} ms`)
    .join(', '),
);
await session.release();
