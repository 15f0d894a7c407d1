import type { ConvolutionAlgorithm, ConvolutionPass } from '../../kernels/operations.js';
import type { Emitter } from '../emitter.js';
import type { Node, Value } from '../graph.js';

/** What a rule can ask before memory is laid out. */
export interface Surroundings {
  /** Whether a value will be in blocks. */
  isBlocked(value: Value | null): boolean;
  /** The nodes that read a value; null if it is a result of the graph, which anybody may read. */
  readersOf(value: Value): readonly Node[] | null;
  /** Whether a node works on blocks; only nodes before the one that is asked about are known. */
  hasRule(node: Node | null): boolean;
  /** The best algorithm for a convolution, or a gradient of one; null if none works on blocks. */
  choose(node: Node): Choice | null;
}

/** How a convolution of blocked tensors will be computed. */
export interface Choice {
  readonly algorithm: ConvolutionAlgorithm;
  readonly pass: ConvolutionPass;
  /** Length of the packed weights. */
  readonly floats: number;
  /** Border that the source needs. */
  readonly halo: number;
}

/** How nodes of one kind run on the kernels' own layout. */
export interface BlockedRule {
  readonly ops: readonly string[];
  /** Whether this node can, and should. */
  accepts(node: Node, around: Surroundings): boolean;
  /** The border that an input has to have; null if it is read in another form. */
  halo(node: Node, input: number, around: Surroundings): number | null;
  /** The results that are in blocks too. Default: the first. */
  blockedResults?(node: Node): readonly Value[];
  /**
   * Results that should be written over an operand which nobody reads afterwards, and therefore have the same border: lines
   * that were just read need not be fetched to be written. A wider border than needed costs little.
   */
  overlays?(node: Node): readonly (readonly [result: Value, operand: Value])[];
  /** Writes the kernel calls. */
  emit(node: Node, emitter: Emitter): void;
}

/** Whether a value can be in blocks at all: a feature map of float32 with at least one element. */
export function isFeatureMap(value: Value | null | undefined): value is Value {
  return value?.dtype === 'float32' && value.shape.length === 4 && !value.shape.includes(0);
}

/** Whether a reader of a gradient also reads a value in blocks: then it will go on in blocks itself. */
export function isReadInBlocks(gradient: Value, around: Surroundings): boolean {
  const readers = around.readersOf(gradient) ?? [];
  return readers.some(({ inputs }) => inputs.some((value) => value !== gradient && around.isBlocked(value)));
}
