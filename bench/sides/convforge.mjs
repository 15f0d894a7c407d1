// What a user of convforge calls: conv2d on plain tensors, and for the gradients what its backward pass calls.
import { conv2d, setBackend, setPrecision, tensor } from 'convforge';
import { kernelsFor } from '../../dist/backend/backend.js';

function convforgeSide(name, detail, { algorithm }) {
  const exact = algorithm === 'direct' ? 1 : 0;
  const activate = () => {
    setBackend(name);
    setPrecision(exact ? 'exact' : 'fast');
  };
  return {
    name,
    detail,
    prepare({ layer, pass, shapes, flat, x, weight, dy, resultSize }) {
      activate();
      const kernels = kernelsFor('float32');
      const { stride, padding, dilation, groups } = layer;
      if (pass === 'forward') {
        const [image, kernel] = [tensor(x, shapes.x), tensor(weight, shapes.weight)];
        const options = { stride, padding, dilation, groups };
        const convolve = () => conv2d(image, kernel, null, options);
        // memory of tensors comes back after every 32 MiB that were handed out: two rounds, and no fresh page is left
        const warmups = Math.ceil(2 ** 26 / (4 * resultSize + 2 ** 16));
        return { activate, run: () => void convolve(), result: () => convolve().data, warmups };
      }
      const result = new Float32Array(resultSize);
      const run =
        pass === 'gradInput'
          ? () => kernels.conv2dGradInput(dy, weight, result, flat, exact)
          : () => kernels.conv2dGradWeight(x, dy, result, flat, exact);
      const answer = () => {
        run();
        return result;
      };
      return { activate, run, result: answer };
    },
  };
}

export const nativeSide = (machine, options) =>
  convforgeSide('native', `conv2d on plain tensors, ${machine.isa}`, options);

export const typescriptSide = (_machine, options) =>
  convforgeSide('typescript', 'the same without native kernels, 1 thread', options);
