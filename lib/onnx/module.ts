import { ArgumentError, check, DTypeError } from '../errors.js';
import { buffer, Module, parameter } from '../nn/module.js';
import { cast } from '../ops/cast.js';
import type { Tensor } from '../tensor.js';
import { elementOf } from './elementtype.js';
import { evaluate } from './evaluate.js';
import { type OnnxModel, readModel, type ValueDescription } from './model.js';

/** What an initializer is to a module. */
type Role = 'parameter' | 'buffer' | 'constant';

/** Inputs of operators that are trained when they are initializers. */
const WEIGHTS: Readonly<Record<string, readonly number[]>> = {
  Add: [0, 1],
  BatchNormalization: [1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Div: [0, 1],
  Gemm: [0, 1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  Mul: [0, 1],
  PRelu: [1],
  Sub: [0, 1],
};
const STATISTICS: Readonly<Record<string, readonly number[]>> = { BatchNormalization: [3, 4] };
/** Operators that hand their first input on: what they give is trained through them. */
const PASSING = ['Cast', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze'];

/**
 * An ONNX model as a module that can be trained. Made by {@link toModule}.
 *
 * Parameters are the floating-point initializers that the model multiplies with or adds, such as weights, biases, and scales
 * of normalisations; single numbers are not. Running statistics of batch norms are buffers. Names in the state dict are
 * those in the file, in lower case and with underscores for characters other than letters, digits and dots.
 */
export class OnnxModule extends Module {
  readonly #model: OnnxModel;
  readonly #values = new Map<string, Tensor>();

  /** @internal */
  constructor(model: OnnxModel) {
    super();
    this.#model = model;
    const roles = rolesOf(model);
    for (const name of model.initializers.keys()) {
      const role = roles.get(name) ?? 'constant';
      const tensor = model.constant(name);
      if (role === 'constant') {
        tensor.storage.read(); // while the file is open
        this.#values.set(name, tensor);
        continue;
      }
      const own = role === 'parameter' ? parameter(tensor.clone()) : buffer(tensor.clone());
      this.#values.set(name, own);
      Object.assign(this, { [this.#propertyFor(name)]: own });
    }
  }

  /** What the model takes, in the order of the arguments of `forward`. */
  get inputs(): readonly ValueDescription[] {
    return this.#model.inputs;
  }

  /** What the model gives. */
  get outputs(): readonly ValueDescription[] {
    return this.#model.outputs;
  }

  /** Computes the model's first output. */
  forward(...inputs: Tensor[]): Tensor {
    return this.#run(inputs).get(this.#model.outputNames[0]) as Tensor;
  }

  /** Computes all outputs, by name. */
  forwardAll(...inputs: Tensor[]): Map<string, Tensor> {
    return this.#run(inputs);
  }

  #run(inputs: readonly Tensor[]): Map<string, Tensor> {
    const expected = this.#model.inputs;
    check(
      inputs.length === expected.length,
      'OnnxModule',
      () =>
        `the model has ${expected.length} inputs (${expected.map(({ name }) => name).join(', ')}), got ${inputs.length}`,
      ArgumentError,
    );
    const values = new Map(this.#values);
    expected.forEach((description, i) => {
      values.set(description.name, inside(description, inputs[i]));
    });
    return evaluate(this.#model, values, { training: this.training });
  }

  /** A name in the state dict that is not taken by another tensor or by the module itself. */
  #propertyFor(name: string): string {
    const legal = name.toLowerCase().replace(/[^a-z0-9_.]/g, '_');
    let property = legal;
    for (let i = 1; property in this; i++) property = `${legal}_${i}`;
    return property;
  }
}

/** An input in the dtype it is computed in. */
function inside({ name, type }: ValueDescription, x: Tensor): Tensor {
  const dtype = type && elementOf(type).dtype;
  if (dtype === 'int32' && x.dtype === 'int64') return cast(x, dtype);
  check(x.dtype === dtype, 'OnnxModule', () => `input '${name}' is ${type}, got ${x.dtype}`, DTypeError);
  return x;
}

function rolesOf(model: OnnxModel): Map<string, Role> {
  const roles = new Map<string, Role>();
  // From the last node to the first, so that what is handed on is known before what hands it on.
  for (const { opType, inputs, outputs } of [...model.nodes].reverse()) {
    const note = (positions: readonly number[], role: Role) => {
      for (const position of positions) if (inputs[position]) roles.set(inputs[position], role);
    };
    note(WEIGHTS[opType] ?? [], 'parameter');
    note(STATISTICS[opType] ?? [], 'buffer');
    if (PASSING.includes(opType)) note([0], roles.get(outputs[0]) ?? roles.get(inputs[0]) ?? 'constant');
  }
  for (const [name, role] of roles) {
    const initializer = model.initializers.get(name);
    const isNumber = initializer?.shape.every((extent) => extent === 1) && !isWeight(model, name);
    const isFloating = initializer && elementOf(initializer.type).dtype === 'float32';
    if (role !== 'constant' && (!isFloating || isNumber)) roles.set(name, 'constant');
  }
  return roles;
}

/** Whether an initializer of one element is more than a number in a formula: the weight or bias of a layer. */
function isWeight(model: OnnxModel, name: string): boolean {
  const FORMULAS = ['Add', 'Div', 'Mul', 'Sub', ...PASSING];
  return model.nodes.some(({ opType, inputs }) => inputs.includes(name) && !FORMULAS.includes(opType));
}

/**
 * Reads an ONNX model as a module: `eval()` gives what the file gives, `train()` trains batch norms and dropout too, and it
 * can be exported again.
 *
 * @throws as {@link readModel}
 * @example
 * const file = onnx.exportOnnx(new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU()), zeros([1, 1, 8, 8]));
 * const net = onnx.toModule(file);
 * net.forward(zeros([2, 1, 8, 8])).shape; // [2, 4, 6, 6]
 */
export function toModule(model: string | Uint8Array): OnnxModule {
  const read = readModel(model);
  try {
    return new OnnxModule(read);
  } finally {
    read.close();
  }
}
