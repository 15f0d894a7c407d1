import type { Floats } from './types.js';

/**
 * One step of stochastic gradient descent, as torch.optim.SGD defines it, in place:
 *
 *     g = gradient + weightDecay·p
 *     buffer = firstStep ? g : momentum·buffer + (1 − dampening)·g     (only with momentum)
 *     g = nesterov ? g + momentum·buffer : buffer                      (only with momentum)
 *     p −= lr·g
 *
 * The buffer is null when momentum is 0.
 */
export function sgdUpdate(
  parameter: Floats,
  gradient: Floats,
  momentumBuffer: Floats | null,
  lr: number,
  momentum: number,
  dampening: number,
  weightDecay: number,
  nesterov: number,
  firstStep: number,
): void {
  for (let i = 0; i < parameter.length; i++) {
    let step = gradient[i] + weightDecay * parameter[i];
    if (momentumBuffer) {
      const velocity = firstStep ? step : momentum * momentumBuffer[i] + (1 - dampening) * step;
      momentumBuffer[i] = velocity;
      step = nesterov ? step + momentum * velocity : velocity;
    }
    parameter[i] -= lr * step;
  }
}

/**
 * One step of torch.optim.Adam, or with `decoupled` of AdamW, in place. biasCorrectionK = 1 − betaK^step:
 *
 *     decoupled: p = p·(1 − lr·weightDecay), g = gradient        else: g = gradient + weightDecay·p
 *     m = beta1·m + (1 − beta1)·g,  v = beta2·v + (1 − beta2)·g²
 *     p −= lr/biasCorrection1 · m / (√v/√biasCorrection2 + eps)
 */
export function adamUpdate(
  parameter: Floats,
  gradient: Floats,
  firstMoment: Floats,
  secondMoment: Floats,
  lr: number,
  beta1: number,
  beta2: number,
  eps: number,
  weightDecay: number,
  decoupled: number,
  biasCorrection1: number,
  biasCorrection2: number,
): void {
  const rate = lr / biasCorrection1;
  const correction = Math.sqrt(biasCorrection2);
  const shrink = decoupled ? 1 - lr * weightDecay : 1;
  const coupledDecay = decoupled ? 0 : weightDecay;
  for (let i = 0; i < parameter.length; i++) {
    const p = parameter[i] * shrink;
    const g = gradient[i] + coupledDecay * p;
    const m = beta1 * firstMoment[i] + (1 - beta1) * g;
    const v = beta2 * secondMoment[i] + (1 - beta2) * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    parameter[i] = p - (rate * m) / (Math.sqrt(v) / correction + eps);
  }
}
