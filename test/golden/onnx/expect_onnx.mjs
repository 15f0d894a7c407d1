#!/usr/bin/env node
// Writes onnxruntime's answers into the case files beside this script where PyTorch gave none, and checks that the two
// agree where it did. What onnxruntime refuses has its answers from make_onnx.py. Usage: node expect_onnx.mjs, after make_onnx.py and `npm ci` in bench/contenders.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(new URL('../../../bench/contenders/package.json', import.meta.url));
const ort = require('onnxruntime-node');
const { version } = require('onnxruntime-node/package.json');

const folder = fileURLToPath(new URL('.', import.meta.url));
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
};
/** Of the largest output, where a case says nothing: a few roundings of float32 in small sums. */
const TOLERANCE = 2e-6;

const bits = new DataView(new ArrayBuffer(2));

/** A number of 16 bits, given by its bits. */
function fromHalf(half) {
  bits.setUint16(0, half);
  const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14);
}

const halves = new Map(Array.from({ length: 65536 }, (_, half) => [fromHalf(half), half]).reverse());

function feed({ type, dims, data }) {
  const convert = type === 'int64' ? BigInt : type === 'float16' ? (value) => halves.get(value) : Number;
  return new ort.Tensor(type, ARRAYS[type].from(data, convert), dims);
}

/** The shortest decimals that give a float32 back, words for what JSON has none for. */
function written(value, type) {
  if (type === 'int64') return Number(value);
  const number = type === 'float16' ? fromHalf(value) : Number(value);
  if (!Number.isFinite(number)) return String(number);
  if (Object.is(number, -0)) return '-0';
  if (type !== 'float32') return number;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(number.toPrecision(digits));
    if (Math.fround(short) === number) return short;
  }
  return Number(number.toPrecision(9));
}

async function answers(path, { inputs }) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 3 });
  const results = await session.run(Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, feed(x)])));
  const outputs = {};
  for (const name of session.outputNames) {
    const { type, dims, data } = results[name];
    outputs[name] = { type, dims, data: Array.from(data, (value) => written(value, type)) };
  }
  await session.release();
  return outputs;
}

/** The largest difference, as a fraction of the largest number. */
function difference(expected, actual) {
  if (expected.type !== actual.type || expected.dims.join() !== actual.dims.join())
    return `${actual.type} [${actual.dims}] instead of ${expected.type} [${expected.dims}]`;
  const [a, b] = [expected, actual].map(({ data }) => data.map(Number));
  const finite = a.filter(Number.isFinite).map(Math.abs);
  const largest = Math.max(...finite, 1e-30);
  const differences = a.map((value, i) => (Object.is(value, b[i]) || value === b[i] ? 0 : Math.abs(value - b[i])));
  return differences.length ? Math.max(...differences) / largest : 0;
}

let failures = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const group = file.slice(0, -5);
  const { made, cases } = JSON.parse(readFileSync(`${folder}${file}`, 'utf8'));
  for (const each of cases.filter(({ reference }) => reference !== 'script')) {
    const fail = (problem) => {
      failures++;
      console.log(`${group}/${each.name}: ${problem}`);
    };
    let outputs;
    try {
      outputs = await answers(`${folder}${group}/${each.name}.onnx`, each);
    } catch (error) {
      fail(error.message.split('\n')[0]);
      continue;
    }
    if (each.reference !== 'torch') {
      each.outputs = outputs;
      continue;
    }
    for (const [name, expected] of Object.entries(each.outputs)) {
      const found = difference(expected, outputs[name]);
      if (!(found <= (each.tolerance ?? TOLERANCE))) fail(`${name} is ${found} off PyTorch's`);
    }
  }
  const lines = cases.map((each) => JSON.stringify(each)).join(',\n');
  const head = JSON.stringify({ ...made, onnxruntime: version });
  writeFileSync(`${folder}${file}`, `{"made":${head},"cases":[\n${lines}\n]}\n`);
}
if (failures) {
  console.log(`${failures} cases failed`);
  process.exitCode = 1;
}
