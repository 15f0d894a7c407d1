import { full } from '../creation.js';
import { whole } from '../geometry.js';
import { prelu } from '../ops/prelu.js';
import { reshape } from '../ops/reshape.js';
import type { Tensor } from '../tensor.js';
import { Module, parameter } from './module.js';

/**
 * x where positive, else slope · x with learned slopes (He et al. 2015), one for all or one for each channel of x [n, c, …]; see
 * {@link prelu}.
 *
 * Parameters: weight [numParameters], which starts at `init`, by default 0.25.
 *
 * @throws ArgumentError for less than one parameter
 * @example
 * new nn.PReLU().forward(tensor([[-4, 4]])).toArray(); // [[-1, 4]]
 */
export class PReLU extends Module {
  readonly weight: Tensor<'float32'>;

  constructor(numParameters = 1, init = 0.25) {
    super();
    whole('PReLU', 'numParameters', numParameters, 1);
    this.weight = parameter(full([numParameters], init));
  }

  forward(x: Tensor<'float32'>): Tensor<'float32'> {
    const after = new Array<number>(Math.max(0, x.rank - 2)).fill(1);
    return prelu(x, this.weight.size === 1 ? this.weight : reshape(this.weight, [this.weight.size, ...after]));
  }
}
