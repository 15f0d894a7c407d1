// The native kernels on their own layout, weights packed beforehand: what a planned network runs.
import { blockedElements } from '../../dist/backend/blocked.js';
import { BLOCKED_FIELDS, CONVOLUTION_OPTION_FIELDS, encode } from '../../dist/geometry.js';
import { ACTIVATION_KINDS, CONVOLUTION_ALGORITHMS, CONVOLUTION_PASSES } from '../../dist/kernels/operations.js';
import { alignedFloats } from '../buffers.mjs';

const algorithmCode = (name) => CONVOLUTION_ALGORITHMS.indexOf(name);

export function blockedSide({ addon, kernels, isa }, { algorithm: wanted }) {
  const exact = wanted === 'direct' ? 1 : 0;

  /** Code of the algorithm and the floats its packed weights take. */
  function choose({ layer: { geometry: g }, flat }, pass) {
    const choice = new Int32Array(2);
    kernels.blockedConv2dChoose(choice, flat, pass, exact);
    if (wanted === 'chosen' || wanted === 'direct') return choice;
    // Winograd's weights: 36 points for each pair of channels, in whole blocks, and the bias
    const up = (channels) => Math.ceil(channels / 32) * 32;
    return [algorithmCode(wanted), Math.max(choice[1], 36 * up(g.ic) * up(g.oc) + 2 * up(Math.max(g.ic, g.oc)))];
  }

  /** A plain tensor in blocks, or room for one. */
  function blocked([n, c, h, w], halo, plain) {
    const geometry = { n, c, h, w, halo };
    const flat = encode(BLOCKED_FIELDS, geometry);
    const data = alignedFloats(addon, blockedElements(geometry));
    if (plain) kernels.toBlocked(plain, data, flat);
    return { data, flat };
  }

  return {
    name: 'blocked',
    detail: `kernels on blocks of 16 channels, weights packed, ${isa}`,
    prepare(problem) {
      const { pass: passName, shapes, flat, x, weight, dy, resultSize, resultShape } = problem;
      const g = problem.layer.geometry;
      const pass = CONVOLUTION_PASSES.indexOf(passName);
      const [code, packedFloats] = choose(problem, pass);
      const algorithm = CONVOLUTION_ALGORITHMS[code];
      const options = { pass, algorithm: code, haloIn: 0, haloOut: 0, residualAfter: 0 };
      options.activation = ACTIVATION_KINDS.indexOf('identity');
      const padding = Math.max(g.padTop, g.padLeft, g.padBottom, g.padRight);
      const activate = () => {};
      if (passName === 'gradWeight') {
        options.haloIn = padding;
        const [image, gradient] = [blocked(shapes.x, padding, x), blocked(shapes.y, 0, dy)];
        const result = alignedFloats(addon, resultSize);
        const flatOptions = encode(CONVOLUTION_OPTION_FIELDS, options);
        const run = () => kernels.blockedConv2dGradWeight(image.data, gradient.data, result, flat, flatOptions);
        const answer = () => {
          run();
          return result;
        };
        return { activate, run, result: answer, algorithm };
      }
      const packed = alignedFloats(addon, packedFloats);
      kernels.blockedConv2dPack(weight, null, packed, flat, pass, code);
      // the gradient of the input reads dy where the forward pass writes: beyond its edges by what the window overlaps
      const reach = Math.max(
        g.dilationH * (g.kh - 1) - Math.min(g.padTop, g.padBottom),
        g.dilationW * (g.kw - 1) - Math.min(g.padLeft, g.padRight),
      );
      const isPlain = algorithm === 'plainInput';
      options.haloIn = isPlain ? 0 : passName === 'forward' ? padding : Math.max(0, reach);
      const plain = passName === 'forward' ? x : dy;
      const source = isPlain
        ? { data: plain }
        : blocked(shapes[passName === 'forward' ? 'x' : 'y'], options.haloIn, plain);
      const target = blocked(resultShape, 0);
      const flatOptions = encode(CONVOLUTION_OPTION_FIELDS, options);
      const run = () => kernels.blockedConv2d(source.data, packed, null, null, target.data, flat, flatOptions, 0, 0);
      const answer = () => {
        run();
        const result = new Float32Array(resultSize);
        kernels.fromBlocked(target.data, result, target.flat);
        return result;
      };
      return { activate, run, result: answer, algorithm };
    },
  };
}
