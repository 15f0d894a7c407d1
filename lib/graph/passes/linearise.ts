import type { Conv2dGeometry } from '../../geometry.js';
import { linear } from '../../ops/linear.js';
import { reshape } from '../../ops/reshape.js';
import type { Tensor } from '../../tensor.js';
import type { Graph, Value } from '../graph.js';
import { replaceWith } from '../rewrite.js';

/**
 * Turns a convolution whose kernel covers the whole image, such as those that squeeze-and-excite blocks have behind their
 * pool, into the fully connected layer that it is.
 */
export function linearise(graph: Graph): void {
  for (const node of graph.nodes) {
    if (node.op.name !== 'conv2d' || node.outputs[0].dtype !== 'float32') continue;
    const g = node.attributes as Conv2dGeometry;
    const [x, weight, bias] = node.inputs as (Value | null)[];
    const covers = g.kh === g.h && g.kw === g.w && g.oh === 1 && g.ow === 1 && g.groups === 1;
    const padding = g.padTop + g.padLeft + g.padBottom + g.padRight;
    if (!covers || padding > 0 || !x || !weight?.constant || (bias && !bias.constant)) continue;
    replaceWith(graph, node, [x, weight, ...(bias ? [bias] : [])], (image, w, b?: Tensor) => {
      const rows = reshape(image, [g.n, g.ic * g.h * g.w]);
      return reshape(linear(rows, reshape(w, [g.oc, g.ic * g.kh * g.kw]), b ?? null), [g.n, g.oc, 1, 1]);
    });
  }
}
