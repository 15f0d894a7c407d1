import { withKernels, withPrecision } from '../backend/backend.js';
import type { BlockedKernels } from '../backend/blocked.js';
import { BLOCK, blockedElements, blockedPlane } from '../backend/blocked.js';
import type { NativeAddon } from '../backend/native.js';
import type { Kernels } from '../backend/typescript.js';
import { DTYPES, type TypedArray } from '../dtype.js';
import { BLOCKED_FIELDS, type BlockedGeometry, encode } from '../geometry.js';
import { stridedCopy } from '../ops/copy.js';
import { outputsOf, withTracer } from '../ops/op.js';
import { sameShape, stridesOf } from '../shape.js';
import { HollowStorage, isHollowArray, Storage } from '../storage.js';
import { Tensor } from '../tensor.js';
import type { Choice } from './blocked/rule.js';
import type { Graph, Node, Value } from './graph.js';
import { type Layout, rootOf } from './layout.js';
import { Listing } from './listing.js';
import { LARGEST_TABLE_BYTES } from './program.js';
import { hollow } from './trace.js';
import type { Weights } from './weights.js';

/** A feature map in the kernels' own layout. */
export interface Blocked {
  readonly array: Float32Array;
  readonly g: BlockedGeometry;
}

/** What stands in a listing for memory that outlives a run. */
export interface StateBuffer {
  readonly storage: Storage;
  /** The memory itself, to be lent to each run. */
  readonly of: Storage;
  isChanged: boolean;
}

/**
 * Writes the kernel calls of a graph. A node without a rule of its own runs the code of its op on kernels that only note
 * what they are called with. Values are converted between layouts when the first reader wants the other one.
 */
export class Emitter {
  readonly listing: Listing;
  readonly weights: Weights;
  readonly kernels: Kernels & BlockedKernels;
  /** What was chosen for a node, in a word, for people. */
  readonly details = new Map<Node, string>();
  readonly #layout: Layout;
  readonly #plain = new Map<Value, Tensor>();
  readonly #blocked = new Map<Value, Blocked>();
  readonly #taps = new Map<Value, Uint8Array>();
  readonly #emitted = new Set<Node>();
  /** What stands for memory that outlives a run, by the memory itself. */
  readonly #state = new Map<Storage, StateBuffer>();
  #graph: Graph | null = null;

  constructor(addon: NativeAddon, weights: Weights, layout: Layout) {
    this.listing = new Listing(addon.signatures);
    this.kernels = this.listing.kernels;
    this.weights = weights;
    this.#layout = layout;
  }

  /** Writes all of a graph. Returns the arrays that stand for its inputs and outputs, each of its own, and for its state. */
  emit(graph: Graph, exact: boolean): { inputs: TypedArray[]; outputs: TypedArray[]; state: StateBuffer[] } {
    this.#graph = graph;
    const inputs = graph.inputs.map((value) => this.#declare(value).storage.values);
    withPrecision(exact ? 'exact' : 'fast', () => {
      for (const node of graph.nodes) {
        this.listing.node = node;
        const rule = this.#layout.rules.get(node);
        if (rule) rule.emit(node, this);
        else this.#emitPlain(node);
        this.#emitted.add(node);
      }
    });
    this.listing.node = null;
    const state = [...this.#state.values()];
    const taken = new Set<TypedArray>([...inputs, ...state.map(({ storage }) => storage.values)]);
    const outputs = graph.outputs.map((value) => {
      const { storage } = this.plain(value);
      const array =
        taken.has(storage.values) || !isHollowArray(storage.values) || this.weights.placeOf(storage.values)
          ? this.#copyOf(this.plain(value))
          : storage.values;
      taken.add(array);
      return array;
    });
    return { inputs, outputs, state };
  }

  choiceOf(node: Node): Choice {
    return this.#layout.choices.get(node) as Choice;
  }

  detail(text: string): void {
    if (this.listing.node) this.details.set(this.listing.node, text);
  }

  /** A value as users see it. */
  plain(value: Value): Tensor {
    const known = this.#plain.get(value);
    if (known) return known;
    if (value.constant) return this.#remember(value, this.#constant(value.constant));
    if (value.state) return this.#remember(value, this.#stateTensor(value.state));
    const x = this.#blocked.get(value) as Blocked;
    const tensor = this.#declare(value);
    this.kernels.fromBlocked(x.array, tensor.storage.values as Float32Array, encode(BLOCKED_FIELDS, x.g));
    return tensor;
  }

  plainFloats(value: Value): Float32Array {
    return this.plain(value).storage.values as Float32Array;
  }

  /** Memory for a result that is not in blocks. */
  plainResult(value: Value): Float32Array {
    return this.#declare(value).storage.values as Float32Array;
  }

  /** A value in blocks, with the border that all its readers need. */
  blocked(value: Value): Blocked {
    const known = this.#blocked.get(value);
    if (known) return known;
    const x = this.plainFloats(value);
    const y = this.result(value);
    this.kernels.toBlocked(x, y.array, encode(BLOCKED_FIELDS, y.g));
    return y;
  }

  /** Memory for a value in blocks: of its own, or where the concatenation it is part of will be. */
  result(value: Value): Blocked {
    const known = this.#blocked.get(value);
    if (known) return known;
    const [n, c, h, w] = value.shape;
    const home = this.#layout.homes.get(value);
    let made: Blocked;
    if (home) {
      const whole = this.result(home.whole);
      const blocks = whole.g.blocks || Math.ceil(whole.g.c / BLOCK);
      const g = { n, c, h, w, halo: whole.g.halo, blocks: n > 1 ? blocks : 0 };
      made = { array: new HollowStorage('float32', blockedElements(g)).values, g };
      this.listing.place(made.array, whole.array, home.block * blockedPlane(g) * 4);
    } else {
      const g = { n, c, h, w, halo: this.#layout.halos.get(rootOf(value, this.#layout.homes)) ?? 0, blocks: 0 };
      made = { array: new HollowStorage('float32', blockedElements(g)).values, g };
    }
    this.#blocked.set(value, made);
    return made;
  }

  /**
   * Memory for a result in blocks that a kernel may write over `operand`: the same memory if nobody reads the operand any
   * more and both lie alike. Lines that were just read need not be fetched again to be written.
   */
  resultOver(value: Value, operand: Value | null): Blocked {
    const under = operand && this.#blocked.get(operand);
    const { homes, halos } = this.#layout;
    const alike =
      under &&
      !homes.has(value) &&
      !homes.has(operand) &&
      (halos.get(value) ?? 0) === under.g.halo &&
      sameShape(value.shape, operand.shape) &&
      ![...homes.values()].some(({ whole }) => whole === value || whole === operand);
    if (!alike || !this.#isLastRead(operand)) return this.result(value);
    this.#blocked.set(value, under);
    return under;
  }

  /** Whether any node reads a value. */
  isRead(value: Value): boolean {
    return (this.#graph?.readersOf(value).length ?? 0) > 0;
  }

  /** The positions that won in a max-pooling [n, c, oh, ow] of blocks: a byte for each lane. */
  taps(positions: Value): Uint8Array {
    let taps = this.#taps.get(positions);
    if (!taps) {
      const [n, c, h, w] = positions.shape;
      taps = new HollowStorage('uint8', n * Math.ceil(c / BLOCK) * h * w * BLOCK).values;
      this.#taps.set(positions, taps);
    }
    return taps;
  }

  /** Whether the node that is being written is the last to read a value. */
  #isLastRead(value: Value): boolean {
    const readers = this.#graph?.readersOf(value) ?? [];
    const isRead = readers.some((reader) => reader !== this.listing.node && !this.#emitted.has(reader));
    return !isRead && !this.#graph?.outputs.includes(value);
  }

  /** Whether `part` was written to where channel `first` of `whole` is. */
  liesIn(part: Value, whole: Value, first: number): boolean {
    const [inner, outer] = [part, whole].map((value) => {
      const { array } = this.#blocked.get(value) as Blocked;
      return this.listing.within(array);
    });
    const { g } = this.#blocked.get(whole) as Blocked;
    return inner.whole === outer.whole && inner.offset - outer.offset === (first / BLOCK) * blockedPlane(g) * 4;
  }

  #emitPlain(node: Node): void {
    const inputs = node.inputs.map((value) => value && this.plain(value));
    const outputs = withTracer(null, () =>
      withKernels(this.kernels, () => outputsOf(node.op, inputs, node.attributes)),
    );
    for (const index of node.op.updates ?? []) {
      const changed = node.inputs[index]?.state;
      if (!changed) continue;
      const buffer = this.#state.get(changed.storage) as StateBuffer;
      buffer.isChanged = true;
      outputs.push(new Tensor(changed.dtype, buffer.storage, changed.shape));
    }
    node.outputs.forEach((value, i) => {
      this.#plain.set(value, outputs[i]);
    });
  }

  /** Memory from run to run as one of the tensors that share it sees it. */
  #stateTensor({ dtype, shape, storage }: Tensor): Tensor {
    let buffer = this.#state.get(storage);
    if (!buffer) {
      const standIn = new HollowStorage(dtype, storage.size);
      buffer = { storage: standIn, of: storage, isChanged: false };
      this.#state.set(storage, buffer);
    }
    return new Tensor(dtype, buffer.storage, shape);
  }

  #declare(value: Value): Tensor {
    return this.#remember(value, hollow(value.dtype, value.shape));
  }

  #remember(value: Value, tensor: Tensor): Tensor {
    this.#plain.set(value, tensor);
    return tensor;
  }

  #constant(tensor: Tensor): Tensor {
    if (tensor.size * DTYPES[tensor.dtype].bytes <= LARGEST_TABLE_BYTES) return tensor;
    return new Tensor(tensor.dtype, new Storage(this.weights.plain(tensor)), tensor.shape);
  }

  #copyOf(x: Tensor): TypedArray {
    const y = hollow(x.dtype, x.shape);
    const strides = stridesOf(x.shape);
    withKernels(this.kernels, () => stridedCopy(x, y, x.shape, { strides }, { strides }));
    return y.storage.values;
  }
}
