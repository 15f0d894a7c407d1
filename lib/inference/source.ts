import type { DType } from '../dtype.js';
import type { Graph } from '../graph/graph.js';
import type { Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';

/** What an input or output is. */
export interface ValueMetadata {
  readonly name: string;
  /** Always true: values of other kinds are refused when a model is loaded. */
  readonly isTensor: true;
  /** The type as the model declares it; float16 and float64 are computed in float32. */
  readonly type: DType | 'float16';
  /** Sizes; a string is the name of one that may change from run to run, and '' one without a name. */
  readonly shape: readonly (number | string)[];
}

/**
 * A part of a model that runs without anybody looking at values. Most models are one such part; where the size of a
 * result depends on values (the boxes that a suppression keeps), the next part is traced when they are known.
 */
export interface Stage {
  /** Its inputs and outputs are in the order of the names. */
  readonly graph: Graph;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The part that follows, given everything that was computed so far; null behind the last one. */
  readonly next: ((values: ReadonlyMap<string, Tensor>) => Stage) | null;
  /** Names of outputs whose elements decide what `next` returns; of the others it is the shape. */
  readonly needs: readonly string[];
}

/** A model that can be traced for inputs of any shapes it allows. */
export interface ModelSource {
  readonly inputs: readonly ValueMetadata[];
  readonly outputs: readonly ValueMetadata[];
  /** @throws ShapeError or another ConvforgeError when the model cannot take inputs of these shapes */
  trace(shapes: ReadonlyMap<string, Shape>): Stage;
  /** Shapes that it will probably be run with; null if nothing is known. */
  readonly expected: ReadonlyMap<string, Shape> | null;
  /** Gives back what the source holds, such as an open file. */
  close(): void;
}
