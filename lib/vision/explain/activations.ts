import { noGrad } from '../../autograd.js';
import { ArgumentError, check } from '../../errors.js';
import { Module } from '../../nn/module.js';
import { Tensor } from '../../tensor.js';
import { captureModes } from '../../train/modes.js';

/** What a module computed on the way to an output. */
export interface Activation {
  /** Its dotted name in the model. */
  readonly name: string;
  readonly module: Module;
  readonly output: Tensor;
}

/**
 * Runs the forward pass in inference mode and notes what every module below the model computes, in the order in which they
 * come to an end; of a module that is called more than once the last time.
 */
export function record(operation: string, model: Module, x: Tensor): { output: Tensor; activations: Activation[] } {
  check(model instanceof Module, operation, () => 'model must be a module', ArgumentError);
  check(x instanceof Tensor, operation, () => 'x must be a tensor', ArgumentError);
  const restoreModes = captureModes(model);
  const below = model.modules().filter(([name]) => name !== '');
  const own = below.map(([, module]) => Object.getOwnPropertyDescriptor(module, 'forward'));
  const found = new Map<string, Activation>();
  for (const [name, module] of below) {
    const { forward } = module;
    // An own property hides the method of the class until it is taken away again.
    module.forward = (...inputs: Tensor[]) => {
      const output = forward.apply(module, inputs);
      found.delete(name);
      found.set(name, { name, module, output });
      return output;
    };
  }
  try {
    model.eval();
    return { output: model.forward(x), activations: [...found.values()] };
  } finally {
    below.forEach(([, module], i) => {
      const descriptor = own[i];
      if (descriptor) Object.defineProperty(module, 'forward', descriptor);
      else delete (module as Partial<Module>).forward;
    });
    restoreModes();
  }
}

/** The activation of the module of a name. */
export function activationOf(operation: string, activations: readonly Activation[], layer: string): Activation {
  const found = activations.find(({ name }) => name === layer);
  check(
    found !== undefined,
    operation,
    () =>
      `no module '${layer}' took part in the forward pass; those that did are ${activations.map(({ name }) => name).join(', ')}`,
    ArgumentError,
  );
  return found;
}

/**
 * What layers compute for x, in inference mode: feature maps [n, c, h, w] by the names of the layers, which are the dotted
 * names that `model.modules()` and `summary()` give. Without names those of all layers.
 *
 * @throws ArgumentError for a name that no module of the forward pass has
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU());
 * const maps = featureMaps(net, zeros([1, 1, 8, 8]), ['1']);
 * maps['1'].shape; // [1, 4, 6, 6]
 */
export function featureMaps(model: Module, x: Tensor, layers?: readonly string[]): Record<string, Tensor> {
  const { activations } = noGrad(() => record('featureMaps', model, x));
  const wanted = layers?.map((layer) => activationOf('featureMaps', activations, layer)) ?? activations;
  return Object.fromEntries(wanted.map(({ name, output }) => [name, output]));
}
