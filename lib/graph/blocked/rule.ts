import type { ConvolutionAlgorithm, ConvolutionPass } from '../../kernels/operations.js';
import type { Emitter } from '../emitter.js';
import type { Node, Value } from '../graph.js';

/** What a rule can ask before memory is laid out. */
export interface Surroundings {
  /** Whether a value will be in blocks. */
  isBlocked(value: Value | null): boolean;
  /** Whether anybody reads it. */
  isRead(value: Value): boolean;
  /** The best algorithm for a convolution of which weight and bias are constant; null if none works on blocks. */
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
  /** Whether the result is in blocks too. Default true. */
  readonly plainResult?: boolean;
  /** Writes the kernel calls. */
  emit(node: Node, emitter: Emitter): void;
}

/** Whether a value can be in blocks at all: a feature map of float32 with at least one element. */
export function isFeatureMap(value: Value | null | undefined): value is Value {
  return value?.dtype === 'float32' && value.shape.length === 4 && !value.shape.includes(0);
}
