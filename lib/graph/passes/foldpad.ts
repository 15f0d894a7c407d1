import type { Conv2dGeometry, Pad2dGeometry, Pool2dGeometry } from '../../geometry.js';
import { PAD_MODES } from '../../kernels/operations.js';
import { type Graph, Node, Value } from '../graph.js';

interface PadAttributes {
  readonly geometry: Pad2dGeometry;
  readonly value: number;
}

/**
 * Lets a convolution pad its input itself where a node pads it with zeros before; an average pool that counts padding
 * too. Kernels get padding for nothing, from the border of their tensors.
 */
export function foldPad(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.op.name !== 'pad') continue;
    const { geometry: pad, value } = node.attributes as PadAttributes;
    const reader = graph.onlyReaderOf(node.outputs[0]);
    if (!reader || PAD_MODES[pad.mode] !== 'constant' || value !== 0 || reader.inputs[0] !== node.outputs[0]) continue;
    const attributes = widened(reader, pad);
    if (!attributes) continue;
    const inputs = [node.inputs[0] as Value, ...reader.inputs.slice(1)];
    const result = new Value(reader.outputs[0].dtype, reader.outputs[0].shape);
    const folded = new Node(reader.op, attributes, inputs, [result], reader.name);
    graph.replace(reader, [folded], result, node);
  }
}

/** The attributes of the reader with more padding, if that gives the same. */
function widened(reader: Node, pad: Pad2dGeometry): Conv2dGeometry | Pool2dGeometry | null {
  const g = reader.attributes as Conv2dGeometry & Pool2dGeometry;
  if (reader.op.name !== 'conv2d' && reader.op.name !== 'avgPool2d') return null;
  const padded = {
    ...g,
    h: pad.h,
    w: pad.w,
    padTop: g.padTop + pad.padTop,
    padLeft: g.padLeft + pad.padLeft,
    padBottom: g.padBottom + pad.padBottom,
    padRight: g.padRight + pad.padRight,
  };
  if (reader.op.name === 'conv2d') return padded;
  // The pool's own padding may not count, and beyond half the kernel a window could lie wholly in padding.
  const noneOfItsOwn = g.padTop + g.padLeft + g.padBottom + g.padRight === 0;
  const exact = (g.oh - 1) * g.strideH + g.kh <= g.h && (g.ow - 1) * g.strideW + g.kw <= g.w;
  const most = (kernel: number, ...widths: number[]) => 2 * Math.max(...widths) <= kernel;
  const within = most(g.kh, pad.padTop, pad.padBottom) && most(g.kw, pad.padLeft, pad.padRight);
  return noneOfItsOwn && exact && within ? { ...padded, countIncludePad: 1 } : null;
}
