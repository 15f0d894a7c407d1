import type { FloatDType } from '../dtype.js';
import { ConvforgeError } from '../errors.js';
import { cast } from '../ops/cast.js';
import { formatShape, sameShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { type Summary, summarise } from './summary.js';

/** Tensors by name, such as `conv1.weight` or `0.bias`. */
export type StateDict = Record<string, Tensor>;

/** Which names of a state dict did not fit. */
export interface LoadReport {
  /** Names the module has and the state dict lacks. */
  missing: string[];
  /** Names the state dict has and the module lacks. */
  unexpected: string[];
}

type Role = 'parameter' | 'buffer';
const roles = new WeakMap<Tensor, Role>();

/**
 * Marks a tensor as trainable and returns it: assigned to a property of a {@link Module} it becomes one of its parameters.
 *
 * @example
 * nn.parameter(zeros([3])).requiresGrad; // true
 */
export function parameter<T extends Tensor>(tensor: T): T {
  roles.set(tensor, 'parameter');
  tensor.requiresGrad = true;
  return tensor;
}

/** Marks a tensor as state that is saved and loaded but not trained, such as running statistics, and returns it. */
export function buffer<T extends Tensor>(tensor: T): T {
  roles.set(tensor, 'buffer');
  return tensor;
}

/**
 * Base of all layers and models. Modules, {@link parameter}s and {@link buffer}s assigned to properties, and those in
 * (nested) arrays there, are found by themselves; names in the state dict are PyTorch's: property names and positions
 * joined by dots, those of tensors in snake case.
 *
 * @example
 * class Net extends nn.Module {
 *   conv1 = new nn.Conv2d(1, 8, 3);
 *   forward(x) {
 *     return this.conv1.forward(x).relu();
 *   }
 * }
 * Object.keys(new Net().stateDict()); // ["conv1.weight", "conv1.bias"]
 */
export abstract class Module {
  /** Whether layers such as dropout and batch norm behave as in training. Change it with `train()` and `eval()`. */
  training = true;

  /** Computes the layer's output. Call it directly; there are no hooks. */
  abstract forward(...inputs: Tensor[]): Tensor;

  /** Direct submodules with their names. */
  children(): [name: string, module: Module][] {
    return Object.entries(this).flatMap(([name, value]) =>
      flattened(name, value).filter((entry): entry is [string, Module] => entry[1] instanceof Module),
    );
  }

  /** This module and all below it, each once, with their dotted names; its own is ''. */
  modules(): [name: string, module: Module][] {
    const seen = new Set<Module>();
    return this.#paths().filter(([, module]) => !seen.has(module) && seen.add(module));
  }

  /** All trainable tensors with their dotted names, each once. */
  namedParameters(): [name: string, tensor: Tensor<'float32'>][] {
    const seen = new Set<Tensor>();
    const parameters = this.#tensors('parameter') as [string, Tensor<'float32'>][];
    return parameters.filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor));
  }

  /** All trainable tensors, each once. */
  parameters(): Tensor<'float32'>[] {
    return this.namedParameters().map(([, tensor]) => tensor);
  }

  /** Calls `fn` with every module below this one, each once, and then with this one. */
  apply(fn: (module: Module) => void): this {
    for (const [, module] of this.modules().reverse()) fn(module);
    return this;
  }

  /**
   * Stops training all parameters of this module and below: no gradients are computed for them, and optimizers leave them alone.
   * Running statistics still move in training; `eval()` stops those.
   *
   * @example
   * const backbone = new nn.Linear(4, 3).freeze();
   * backbone.parameters().some((p) => p.requiresGrad); // false
   */
  freeze(): this {
    return this.#setRequiresGrad(false);
  }

  /** Trains all parameters of this module and below again. */
  unfreeze(): this {
    return this.#setRequiresGrad(true);
  }

  #setRequiresGrad(value: boolean): this {
    for (const tensor of this.parameters()) {
      tensor.requiresGrad = value;
      if (!value) tensor.grad = null;
    }
    return this;
  }

  /**
   * Replaces the floating-point parameters and buffers of this module and below by copies in another dtype, so that it computes on
   * tensors of that dtype; the types of TypeScript stay those of float32. Optimizers made before keep the old tensors.
   *
   * float64 runs on TypeScript kernels and is meant for checking gradients.
   *
   * @example
   * const layer = new nn.Linear(2, 1).to('float64');
   * layer.forward(zeros([1, 2], { dtype: 'float64' })).dtype; // "float64"
   */
  to(dtype: FloatDType): this {
    const converted = new Map<Tensor, Tensor>();
    const convert = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(convert);
      if (!(value instanceof Tensor)) return value;
      const role = roles.get(value);
      if (!role || !value.isFloat() || value.dtype === dtype) return value;
      const known = converted.get(value);
      if (known) return known;
      const copy = cast(value.detach(), dtype);
      roles.set(copy, role);
      copy.requiresGrad = value.requiresGrad;
      converted.set(value, copy);
      return copy;
    };
    for (const [, module] of this.modules()) {
      for (const [name, value] of Object.entries(module)) {
        if (flattened(name, value).some(([, each]) => each instanceof Tensor)) {
          Object.assign(module, { [name]: convert(value) });
        }
      }
    }
    return this;
  }

  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const tensor of this.parameters()) tensor.grad = null;
  }

  /** Switches this module and all below it to training behaviour, or with false to inference behaviour. */
  train(training = true): this {
    for (const [, module] of this.modules()) module.training = training;
    return this;
  }

  /** Switches this module and all below it to inference behaviour. */
  eval(): this {
    return this.train(false);
  }

  /** All parameters and buffers by name, sharing memory with the module. */
  stateDict(): StateDict {
    return Object.fromEntries(
      this.#tensors('parameter', 'buffer').map(([name, tensor]) => [name, tensor.detach()] as const),
    );
  }

  /**
   * Copies tensors of the same name, shape and dtype into this module. With `strict: false` names that are missing or
   * unexpected are only reported.
   *
   * @throws ConvforgeError ERR_STATE_DICT when names (strict) or shapes or dtypes do not fit; then nothing was copied
   */
  loadStateDict(state: Readonly<StateDict>, { strict = true } = {}): LoadReport {
    const own = this.#tensors('parameter', 'buffer');
    const names = new Set(own.map(([name]) => name));
    const report: LoadReport = {
      missing: [...names].filter((name) => !Object.hasOwn(state, name)),
      unexpected: Object.keys(state).filter((name) => !names.has(name)),
    };
    const problems = own.flatMap(([name, tensor]) => {
      if (!Object.hasOwn(state, name)) return [];
      const given: unknown = state[name];
      if (!(given instanceof Tensor)) return [`${name} is no tensor`];
      if (given.dtype === tensor.dtype && sameShape(given.shape, tensor.shape)) return [];
      const [have, expected] = [given, tensor].map(({ dtype, shape }) => `${dtype} ${formatShape(shape)}`);
      return [`${name} is ${have}, the module has ${expected}`];
    });
    if (strict && report.missing.length) problems.push(`missing: ${report.missing.join(', ')}`);
    if (strict && report.unexpected.length) problems.push(`unexpected: ${report.unexpected.join(', ')}`);
    if (problems.length) throw new ConvforgeError('ERR_STATE_DICT', `loadStateDict: ${problems.join('; ')}`);
    for (const [name, tensor] of own) {
      if (!Object.hasOwn(state, name)) continue;
      (tensor.storage.values as Float32Array).set(state[name].storage.values as Float32Array);
      tensor.storage.version++;
    }
    return report;
  }

  /**
   * Runs the module once on zeros of the given shape and tells each layer's output shape, parameters and multiply-adds.
   * Printing it gives a table.
   *
   * @example
   * new nn.Linear(10, 2).summary([1, 10]).parameters; // 22
   */
  summary(...inputShapes: (readonly number[])[]): Summary {
    return summarise(this, inputShapes);
  }

  /** Multiply-adds of one call of this layer by itself, which `summary` shows: 0 unless it has a weight of several axes. */
  multiplyAdds(_x: Tensor, y: Tensor): number {
    const weight = this.namedParameters().find(([name]) => name === 'weight')?.[1];
    // Every output element of a product is a sum over all weights of its channel or feature.
    return weight && weight.rank > 1 ? y.size * (weight.size / weight.shape[0]) : 0;
  }

  /** Modules under all their names: one that two modules share appears twice, one inside itself does not. */
  #paths(name = '', above: readonly Module[] = []): [name: string, module: Module][] {
    if (above.includes(this)) return [];
    const below = this.children().flatMap(([key, child]) =>
      child.#paths(name ? `${name}.${key}` : key, [...above, this]),
    );
    return [[name, this], ...below];
  }

  /** Tensors under all their names, as in PyTorch's state dict: one that two modules share appears twice. */
  #tensors(...wanted: Role[]): [string, Tensor][] {
    return this.#paths().flatMap(([prefix, module]) =>
      Object.entries(module).flatMap(([key, property]) =>
        flattened(key, property).flatMap(([path, value]): [string, Tensor][] => {
          if (!(value instanceof Tensor) || !wanted.includes(roles.get(value) as Role)) return [];
          const name = path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
          return [[prefix ? `${prefix}.${name}` : name, value]];
        }),
      ),
    );
  }
}

/** A property's value, or if it is an array everything in it at any depth, each named by its path. */
function flattened(name: string, value: unknown): [name: string, value: unknown][] {
  if (!Array.isArray(value)) return [[name, value]];
  return value.flatMap((item, i) => flattened(`${name}.${i}`, item));
}
