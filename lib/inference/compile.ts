import { ArgumentError, check } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { Value } from '../graph/graph.js';
import { Trace } from '../graph/trace.js';
import type { Module } from '../nn/module.js';
import type { Shape } from '../shape.js';
import type { Storage } from '../storage.js';
import { Tensor } from '../tensor.js';
import type { ModelSource, Stage, ValueMetadata } from './source.js';

/** Names of a compiled model's inputs and outputs. */
export interface CompileOptions {
  /** Default: 'input', or 'input0', 'input1', … if there are several. */
  inputNames?: readonly string[];
  /** Default: 'output'. */
  outputNames?: readonly string[];
}

/**
 * A module as a model to load into {@link InferenceSession}: its forward pass in inference form (`eval()`), with the weights
 * it has now.
 *
 * The forward pass is traced, once for every set of input shapes that is run: the batch, and any size the module can take,
 * may differ from the example's. The module itself stays as it is and can be trained on. Control flow may depend on shapes;
 * where it depends on elements the module cannot be compiled.
 *
 * @throws ArgumentError when the arguments are no module and tensors; ConvforgeError ERR_TRACE when the forward pass looks at
 *   elements; whatever the forward pass throws for the example
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.ReLU());
 * const session = await InferenceSession.create(compile(net, zeros([1, 1, 8, 8])));
 * (await session.run({ input: zeros([2, 1, 8, 8]) })).output.shape; // [2, 4, 6, 6]
 */
export function compile(
  model: Module,
  example: Tensor | readonly Tensor[],
  options: CompileOptions = {},
): CompiledModel {
  const examples = example instanceof Tensor ? [example] : example;
  check(
    typeof model?.forward === 'function' && Array.isArray(examples) && examples.every((x) => x instanceof Tensor),
    'compile',
    () => 'needs a module and an example of each input, which are tensors',
    ArgumentError,
  );
  return new CompiledModel(model, examples, options);
}

/** What {@link compile} returns. */
export class CompiledModel implements ModelSource {
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  readonly expected: ReadonlyMap<string, Shape>;
  readonly #module: Module;
  readonly #dtypes: readonly Tensor['dtype'][];
  /** The weights as they were, by the memory of the module's own. */
  readonly #weights = new Map<Storage, Tensor>();

  constructor(module: Module, examples: readonly Tensor[], options: CompileOptions) {
    const names = options.inputNames ?? (examples.length === 1 ? ['input'] : examples.map((_, i) => `input${i}`));
    check(
      names.length === examples.length && new Set(names).size === names.length,
      'compile',
      () => `${examples.length} inputs need as many different names, got ${names.join(', ')}`,
      ArgumentError,
    );
    const { outputNames = ['output'] } = options;
    check(
      outputNames.length === 1,
      'compile',
      () => `a module has one output, got names for ${outputNames.length}`,
      ArgumentError,
    );
    this.#module = module;
    this.expected = new Map(examples.map(({ shape }, i) => [names[i], shape]));
    this.#dtypes = examples.map((x) => x.dtype);
    for (const tensor of Object.values(module.stateDict())) {
      if (!this.#weights.has(tensor.storage)) this.#weights.set(tensor.storage, tensor.clone());
    }
    this.inputs = examples.map(({ dtype, shape }, i) => ({
      name: names[i],
      isTensor: true,
      type: dtype,
      // The first axis is the batch, and a network that takes images of one size often takes others.
      shape: shape.map((extent, axis) =>
        axis === 0 ? 'batch' : shape.length === 4 && axis > 1 ? ['height', 'width'][axis - 2] : extent,
      ),
    }));
    const [output] = this.#trace(
      examples.map((x) => x.shape),
      outputNames,
    ).outputs;
    this.outputs = [
      {
        name: outputNames[0],
        isTensor: true,
        type: output.dtype,
        shape: output.shape.map((extent, axis) => (axis === 0 && extent === examples[0]?.shape[0] ? 'batch' : extent)),
      },
    ];
  }

  trace(shapes: ReadonlyMap<string, Shape>): Stage {
    const inputs = this.inputs.map(({ name }) => name);
    const outputs = this.outputs.map(({ name }) => name);
    const graph = this.#trace(
      inputs.map((name) => shapes.get(name) as Shape),
      outputs,
    );
    return { graph, inputs, outputs, next: null, needs: [] };
  }

  close(): void {}

  #trace(shapes: readonly Shape[], outputNames: readonly string[]): Graph {
    const trace = new Trace();
    const inputs = shapes.map((shape, i) => trace.input(this.inputs[i].name, this.#dtypes[i], shape));
    const modules = this.#module.modules();
    const training = modules.map(([, module]) => module.training);
    let result: Tensor;
    try {
      this.#module.eval();
      result = trace.record(() => this.#module.forward(...inputs));
    } finally {
      modules.forEach(([, module], i) => {
        module.training = training[i];
      });
    }
    check(result instanceof Tensor, 'compile', () => 'the forward pass must return one tensor', ArgumentError);
    const graph = trace.graph({ [outputNames[0]]: result });
    const names = new Map(
      Object.entries(this.#module.stateDict())
        .reverse() // of several names the first
        .map(([name, { storage }]) => [storage, name]),
    );
    for (const node of graph.nodes) {
      node.inputs.forEach((value, i) => {
        const storage = value?.constant?.storage;
        const weight = storage && this.#weights.get(storage);
        if (!value || !storage || !weight) return;
        const same =
          weight.shape.length === value.shape.length ? weight : new Tensor(weight.dtype, weight.storage, value.shape);
        node.inputs[i] = Value.of(same, names.get(storage));
      });
    }
    return graph;
  }
}
