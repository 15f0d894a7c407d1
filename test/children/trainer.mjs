// trainer.mjs <index.js of the package> <folder> <epochs> [hang]: trains a small network, going on from what is in the folder and
// saving often. Prints 'step <n>' after each update, and at the end why training stopped. With 'hang' the first step does not
// end.
const [url, folder, epochs, hang] = process.argv.slice(2);
const { accuracy, Adam, crossEntropy, Generator, manualSeed, nn, randn, Tensor, Trainer } = await import(url);

manualSeed(1);
const generator = new Generator(2);
const batches = Array.from({ length: 9 }, () => [
  randn([4, 1, 5, 5], { generator }),
  new Tensor(
    'int32',
    Int32Array.from({ length: 4 }, () => generator.integer(3)),
  ),
]);
const model = new nn.Sequential(
  new nn.Conv2d(1, 4, 3),
  new nn.BatchNorm2d(4),
  new nn.ReLU(),
  new nn.Dropout(0.3),
  new nn.Flatten(),
  new nn.Linear(36, 3),
);
const trainer = new Trainer({
  model,
  optimizer: new Adam(model.parameters(), { lr: 0.01 }),
  loss: crossEntropy,
  metrics: { accuracy },
});
const { stopped, step } = await trainer.fit(batches, {
  epochs: Number(epochs),
  validation: batches.slice(0, 2),
  folder,
  resume: true,
  checkpointEvery: 2,
  progress: false,
  callbacks: {
    onStepEnd: async ({ step }) => {
      process.stdout.write(`step ${step}\n`);
      if (hang) await new Promise((resolve) => setTimeout(resolve, 1e9));
    },
  },
});
console.log(`${stopped} after ${step}`);
