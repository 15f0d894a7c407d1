// train.mjs <index.js of the package> <steps> <warm-up steps> [compiled]: a plain training loop, as prototypes have it
// without a turn of the event loop, or compiled steps. Prints the resident memory in MiB after the warm-up, its peak since,
// and at the end.
const [url, steps, warmUp, mode] = process.argv.slice(2);
const { compileStep, crossEntropy, manualSeed, nn, randn, SGD, setThreads, Tensor, backendInfo } = await import(url);

manualSeed(1);
setThreads(1);
const net = new nn.Sequential(
  new nn.Conv2d(1, 8, 3, { padding: 1 }),
  new nn.BatchNorm2d(8),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Conv2d(8, 16, 3, { padding: 1 }),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Linear(16 * 6 * 6, 10),
);
const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
// Activations of 8 x 8 x 12 x 12 floats and more take 36 KiB and up: all of them come from the pool.
const x = randn([8, 1, 12, 12]);
const labels = new Tensor(
  'int32',
  Int32Array.from({ length: 8 }, (_, i) => i),
  [8],
);

const residentMiB = () => process.memoryUsage().rss / 2 ** 20;
let afterWarmUp = 0;
let peak = 0;
let loss;
const compiled =
  mode === 'compiled' ? await compileStep({ model: net, loss: crossEntropy, optimizer }, [x, labels]) : null;
for (let step = 1; step <= Number(steps); step++) {
  if (compiled) {
    ({ loss } = await compiled.run([x, labels]));
  } else {
    loss = crossEntropy(net.forward(x), labels);
    loss.backward();
    optimizer.step();
    optimizer.zeroGrad();
  }
  if (step === Number(warmUp)) afterWarmUp = residentMiB();
  if (step >= Number(warmUp) && step % 100 === 0) peak = Math.max(peak, residentMiB());
}
const { backend } = backendInfo();
console.log(JSON.stringify({ backend, loss: loss.item(), afterWarmUp, peak, end: residentMiB() }));
