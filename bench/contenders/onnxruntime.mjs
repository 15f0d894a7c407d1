// onnxruntime-node on models of one convolution, through its public interface, results into memory allocated beforehand.
import { createRequire } from 'node:module';
import * as ort from 'onnxruntime-node';
import { Unsupported } from '../sides/unsupported.mjs';
import { convolutionModel } from './onnxmodel.mjs';

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');

export function onnxruntimeSide({ threads }) {
  return {
    name: 'onnxruntime',
    detail: `onnxruntime-node ${version}, all graph optimisations`,
    async prepare(problem) {
      const { pass, x, shapes, resultSize } = problem;
      if (pass !== 'forward') throw new Unsupported('onnxruntime-node has no gradients');
      const session = await ort.InferenceSession.create(convolutionModel(problem), {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
      });
      const result = new Float32Array(resultSize);
      const feeds = { x: new ort.Tensor('float32', x, shapes.x) };
      const fetches = { y: new ort.Tensor('float32', result, shapes.y) };
      const run = () => session.run(feeds, fetches);
      const answer = async () => {
        await run();
        return result;
      };
      return { activate() {}, run, isAsync: true, result: answer, close: () => session.release() };
    },
  };
}
