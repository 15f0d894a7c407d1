#!/usr/bin/env node
// Writes what test/parity/script.mjs sees with onnxruntime-node into parity.json. Usage: node make_parity.mjs, after
// `npm ci` in bench/contenders.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { program } from '../parity/script.mjs';

const require = createRequire(new URL('../../bench/contenders/package.json', import.meta.url));
const seen = await program(require('onnxruntime-node'), fileURLToPath(new URL('./onnx', import.meta.url)));
const { version } = require('onnxruntime-node/package.json');
const lines = Object.entries(seen).map(([step, value]) => `${JSON.stringify(step)}:${JSON.stringify(value)}`);
writeFileSync(
  new URL('./parity.json', import.meta.url),
  `{"onnxruntime":"${version}","seen":{\n${lines.join(',\n')}\n}}\n`,
);
