import { noGrad } from '../autograd.js';
import { backendInfo } from '../backend/backend.js';
import { ConvforgeError } from '../errors.js';
import { compile } from '../inference/compile.js';
import { InferenceSession } from '../inference/session.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor.js';

/**
 * A model's forward pass with the weights it has now, in inference form: as a session, off the event loop, where the model
 * can be traced and there are native kernels, else op by op. The model has to be in inference mode for as long as it is used.
 */
export class Inference {
  readonly #model: Module;
  readonly #session: InferenceSession | null;

  private constructor(model: Module, session: InferenceSession | null) {
    this.#model = model;
    this.#session = session;
  }

  static async prepare(model: Module, example: Tensor): Promise<Inference> {
    const { backend, precision } = backendInfo();
    if (backend !== 'native') return new Inference(model, null);
    try {
      return new Inference(model, await InferenceSession.create(compile(model, example), { precision }));
    } catch (error) {
      // What is wrong with the model itself shows when it runs op by op, in its own words.
      if (!(error instanceof ConvforgeError)) throw error;
      return new Inference(model, null);
    }
  }

  async run(x: Tensor, signal?: AbortSignal): Promise<Tensor> {
    if (this.#session) return (await this.#session.run({ input: x }, { signal })).output;
    if (signal?.aborted) {
      throw new ConvforgeError('ERR_ABORTED', 'run: aborted by its signal', { cause: signal.reason });
    }
    return noGrad(() => this.#model.forward(x));
  }

  async release(): Promise<void> {
    await this.#session?.release();
  }
}
