// The native kernels on their own layout, weights packed beforehand: what a planned network runs.
import { blockedElements } from '../../dist/backend/blocked.js';
import { BLOCKED_FIELDS, CONVOLUTION_OPTION_FIELDS, encode } from '../../dist/geometry.js';
import { ACTIVATION_KINDS, CONVOLUTION_ALGORITHMS, CONVOLUTION_PASSES } from '../../dist/kernels/operations.js';
import { alignedFloats } from '../buffers.mjs';
import { Unsupported } from './unsupported.mjs';

export const blockedSide = (machine, { algorithm }) => blockedKernels('blocked', machine, algorithm);

/** The same without Winograd's algorithm, for layers on which it would be chosen. */
export const blockedDirectSide = (machine) => blockedKernels('blocked-direct', machine, 'direct');

const isWinograd = (algorithm) => CONVOLUTION_ALGORITHMS[algorithm].startsWith('winograd');

function blockedKernels(name, { addon, kernels, isa }, wanted) {
  const suggested = (flat, pass, exact) => {
    const choice = new Int32Array(3);
    kernels.blockedConv2dChoose(choice, flat, pass, exact);
    const [algorithm, packedFloats, halo] = choice;
    if (algorithm < 0) throw new Unsupported('no kernel on blocks for this convolution');
    return { algorithm, packedFloats, halo };
  };

  /** What the kernels suggest, or what was asked for: code of the algorithm, floats of its packed weights, border. */
  function choose({ layer: { geometry: g }, flat }, pass) {
    const choice = suggested(flat, pass, wanted === 'direct' ? 1 : 0);
    if (name === 'blocked-direct' && !isWinograd(suggested(flat, pass, 0).algorithm)) {
      throw new Unsupported('as blocked, which does without Winograd here');
    }
    if (wanted === 'chosen' || wanted === 'direct') return choice;
    // Winograd's weights: 36 points for each pair of channels, in whole blocks, and the bias
    const up = (channels) => Math.ceil(channels / 32) * 32;
    const most = 36 * up(g.ic) * up(g.oc) + 2 * up(Math.max(g.ic, g.oc));
    const packedFloats = Math.max(choice.packedFloats, most);
    return { algorithm: CONVOLUTION_ALGORITHMS.indexOf(wanted), packedFloats, halo: choice.halo };
  }

  /** A plain tensor in blocks, or room for one. */
  function blocked([n, c, h, w], halo, plain) {
    const geometry = { n, c, h, w, halo, blocks: 0 };
    const flat = encode(BLOCKED_FIELDS, geometry);
    const data = alignedFloats(addon, blockedElements(geometry));
    if (plain) kernels.toBlocked(plain, data, flat);
    return { data, flat };
  }

  const optionsOf = (pass, algorithm, haloIn) => {
    const activation = ACTIVATION_KINDS.indexOf('identity');
    const lies = { haloIn, haloOut: 0, blocksIn: 0, blocksOut: 0, haloResidual: 0, blocksResidual: 0 };
    const options = { pass, algorithm, ...lies, activation, residualAfter: 0 };
    return encode(CONVOLUTION_OPTION_FIELDS, options);
  };

  /** Forward, or the gradient of the input: the same kernel, whose source is then dy. */
  function prepareSum(problem, source, sourceShape) {
    const { pass: passName, flat, weight, resultSize, resultShape } = problem;
    const pass = CONVOLUTION_PASSES.indexOf(passName);
    const { algorithm, packedFloats, halo } = choose(problem, pass);
    const packed = alignedFloats(addon, packedFloats);
    kernels.blockedConv2dPack(weight, null, packed, flat, pass, algorithm);
    const isPlain = CONVOLUTION_ALGORITHMS[algorithm] === 'plainInput';
    const from = isPlain ? source : blocked(sourceShape, halo, source).data;
    const to = blocked(resultShape, 0);
    const options = optionsOf(pass, algorithm, isPlain ? 0 : halo);
    const run = () => kernels.blockedConv2d(from, packed, null, null, to.data, flat, options, 0, 0);
    const result = () => {
      run();
      const plain = new Float32Array(resultSize);
      kernels.fromBlocked(to.data, plain, to.flat);
      return plain;
    };
    return { activate() {}, run, result, algorithm: CONVOLUTION_ALGORITHMS[algorithm] };
  }

  function prepareGradWeight(problem) {
    const { shapes, flat, x, dy, resultSize } = problem;
    const pass = CONVOLUTION_PASSES.indexOf('gradWeight');
    const { algorithm, halo } = choose(problem, pass);
    const isPlain = CONVOLUTION_ALGORITHMS[algorithm] === 'plainInput';
    const source = isPlain ? x : blocked(shapes.x, halo, x).data;
    const gradient = blocked(shapes.y, 0, dy).data;
    const dweight = alignedFloats(addon, resultSize);
    const options = optionsOf(pass, algorithm, isPlain ? 0 : halo);
    const run = () => kernels.blockedConv2dGradWeight(source, gradient, dweight, flat, options);
    const result = () => {
      run();
      return dweight;
    };
    return { activate() {}, run, result, algorithm: CONVOLUTION_ALGORITHMS[algorithm] };
  }

  return {
    name,
    detail: `kernels on blocks of 16 channels, weights packed, ${wanted === 'direct' ? 'no Winograd, ' : ''}${isa}`,
    prepare(problem) {
      const { pass, shapes, x, dy } = problem;
      const prepareIt = () => {
        if (pass === 'gradWeight') return prepareGradWeight(problem);
        return pass === 'forward' ? prepareSum(problem, x, shapes.x) : prepareSum(problem, dy, shapes.y);
      };
      try {
        const contestant = prepareIt();
        contestant.run();
        return contestant;
      } catch (error) {
        // what --algorithm asks for need not fit every layer
        if (error.code === 'ERR_NATIVE') throw new Unsupported(error.message);
        throw error;
      }
    },
  };
}
