import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backendInfo, InferenceSession, setBackend, type Tensor } from '../lib/index.js';
import { exportOnnx, toModule } from '../lib/onnx/index.js';
import {
  declaredType,
  differences,
  inside,
  modelPath,
  type OnnxCase,
  onnxCases,
  REFUSED,
  SESSIONS_REFUSE,
  type StoredTensor,
  stored,
} from './golden/onnxcases.js';

/** As sessions have it without Winograd, and once more for what an exporter says in other operators. */
const TOLERANCE = 4e-6;

/** What cannot be exported: sizes that depend on what is fed, and what no opset that is written has. */
const NOT_EXPORTED =
  /the elements of this tensor are only known when the compiled model runs|sizes in the model depend on/;

/** A model as bytes; as a path, where some of it is in another file. */
const modelOf = (group: string, each: OnnxCase) =>
  each.name === 'external' ? modelPath(group, each) : readFileSync(modelPath(group, each));

/** Outputs of a case by its model as a module, and by a session for what that module is exported as. */
async function outputsOf(model: string | Uint8Array, { inputs, outputs }: OnnxCase) {
  const net = toModule(model);
  net.eval();
  const names = net.inputs.map(({ name }) => name);
  const fed = names.map((name) => inside(inputs[name]));
  const declared = ([name, tensor]: [string, Tensor]) =>
    [name, stored(tensor, declaredType(outputs[name], tensor.dtype))] as const;
  const computed: Record<string, StoredTensor> = Object.fromEntries([...net.forwardAll(...fed)].map(declared));
  let bytes: Uint8Array;
  try {
    // the first output is what a module's forward gives, and so what is exported
    const outputNames = [net.outputs[0].name];
    bytes = exportOnnx(net, fed, { dynamicBatch: false, inputNames: names, outputNames, opset: 18 });
  } catch (error) {
    return { computed, refusal: (error as Error).message };
  }
  const session = await InferenceSession.create(bytes, { precision: 'exact' });
  const feeds = Object.fromEntries(names.map((name, i) => [name, fed[i]]));
  const results = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]])));
  await session.release();
  return { computed, exported: Object.fromEntries(Object.entries(results).map(declared)) };
}

describe('golden ONNX models as modules, and exported again', () => {
  const before = backendInfo().backend;
  beforeAll(() => setBackend('typescript'));
  afterAll(() => setBackend(before));

  let exports = 0;
  describe.each([...onnxCases])('%s', (group, cases) => {
    const known = cases.filter(({ name }) => ![REFUSED, SESSIONS_REFUSE].some((map) => map.has(`${group}/${name}`)));
    it.each(known)('$name, opset $opset', async (each) => {
      const { computed, exported, refusal } = await outputsOf(modelOf(group, each), each);
      expect(differences(each, computed, TOLERANCE).join('; ')).toBe('');
      if (refusal !== undefined) return expect(refusal).toMatch(NOT_EXPORTED);
      exports++;
      const [name] = Object.keys(exported);
      const only = { ...each, outputs: { [name]: each.outputs[name] } };
      expect(differences(only, exported, TOLERANCE).join('; ')).toBe('');
    });
  });

  it('also from a path, though tensors in attributes are needed after the file is closed', async () => {
    const [each] = (onnxCases.get('pad') ?? []).filter(({ name }) => name === 'torch');
    const { computed } = await outputsOf(modelPath('pad', each), each);
    expect(differences(each, computed, TOLERANCE)).toEqual([]);
  });

  it('nearly all of them', () => expect(exports).toBeGreaterThan(600));
});
