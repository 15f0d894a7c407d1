import type { Floats } from './types.js';

// Numbers that may change from step to step lie in a small buffer, `settings`, so that a compiled step reads what they are
// when it runs. `sign` is 1 to descend and −1 to ascend.

/**
 * One step of stochastic gradient descent, as torch.optim.SGD defines it, in place. Settings are lr, weightDecay, momentum,
 * fresh = 1 − dampening, sign:
 *
 *     g = sign·gradient + weightDecay·p
 *     buffer = momentum·buffer + fresh·g                    (only with a buffer)
 *     g = nesterov ? g + momentum·buffer : buffer           (only with a buffer)
 *     p −= lr·g
 *
 * PyTorch's first buffer is g itself, which is fresh = 1 and a buffer of zeros. The buffer is null without momentum.
 */
export function sgdUpdate(
  parameter: Floats,
  gradient: Floats,
  momentumBuffer: Floats | null,
  settings: Floats,
  nesterov: number,
): void {
  const [lr, weightDecay, momentum, fresh, sign] = settings;
  for (let i = 0; i < parameter.length; i++) {
    let step = sign * gradient[i] + weightDecay * parameter[i];
    if (momentumBuffer) {
      const velocity = momentum * momentumBuffer[i] + fresh * step;
      momentumBuffer[i] = velocity;
      step = nesterov ? step + momentum * velocity : velocity;
    }
    parameter[i] -= lr * step;
  }
}

/**
 * One step of torch.optim.Adam or AdamW, in place. Settings are rate = lr / (1 − beta1^step), keep = 1 − lr·(decoupled decay),
 * decay (that of the gradient), beta1, fresh1 = 1 − beta1, beta2, fresh2 = 1 − beta2, correction = √(1 − beta2^step), eps, sign:
 *
 *     g = sign·gradient + decay·p
 *     m = beta1·m + fresh1·g,  v = beta2·v + fresh2·g²,  largest = max(largest, v)
 *     p = keep·p − rate·m / (√(largest or v) / correction + eps)
 *
 * The largest second moment (AMSGrad) is null without that; NaN wins in it.
 */
export function adamUpdate(
  parameter: Floats,
  gradient: Floats,
  firstMoment: Floats,
  secondMoment: Floats,
  largestMoment: Floats | null,
  settings: Floats,
): void {
  const [rate, keep, decay, beta1, fresh1, beta2, fresh2, correction, eps, sign] = settings;
  for (let i = 0; i < parameter.length; i++) {
    const g = sign * gradient[i] + decay * parameter[i];
    const m = beta1 * firstMoment[i] + fresh1 * g;
    const v = beta2 * secondMoment[i] + fresh2 * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    const largest = largestMoment ? Math.max(largestMoment[i], v) : v;
    if (largestMoment) largestMoment[i] = largest;
    parameter[i] = keep * parameter[i] - (rate * m) / (Math.sqrt(largest) / correction + eps);
  }
}

/**
 * One step of torch.optim.RMSprop, in place. Settings are lr, weightDecay, alpha, fresh = 1 − alpha, eps, momentum, sign:
 *
 *     g = sign·gradient + weightDecay·p
 *     s = alpha·s + fresh·g²,  m = alpha·m + fresh·g              (m, the mean gradient, only when centered)
 *     step = g / (√(s − m²) + eps)
 *     buffer = momentum·buffer + step,  step = buffer             (only with a buffer)
 *     p −= lr·step
 *
 * The mean gradient is null unless centered, the buffer null without momentum.
 */
export function rmspropUpdate(
  parameter: Floats,
  gradient: Floats,
  squareAverage: Floats,
  gradientAverage: Floats | null,
  momentumBuffer: Floats | null,
  settings: Floats,
): void {
  const [lr, weightDecay, alpha, fresh, eps, momentum, sign] = settings;
  for (let i = 0; i < parameter.length; i++) {
    const g = sign * gradient[i] + weightDecay * parameter[i];
    const s = alpha * squareAverage[i] + fresh * g * g;
    squareAverage[i] = s;
    let variance = s;
    if (gradientAverage) {
      const m = alpha * gradientAverage[i] + fresh * g;
      gradientAverage[i] = m;
      variance -= m * m;
    }
    let step = g / (Math.sqrt(variance) + eps);
    if (momentumBuffer) {
      step = momentum * momentumBuffer[i] + step;
      momentumBuffer[i] = step;
    }
    parameter[i] -= lr * step;
  }
}

/**
 * One step of Lion (Chen et al. 2023, algorithm 2), in place. Settings are lr, keep = 1 − lr·weightDecay, beta1,
 * fresh1 = 1 − beta1, beta2, fresh2 = 1 − beta2, sign; signum is −1, 0 or 1, and of NaN NaN:
 *
 *     g = sign·gradient
 *     p = keep·p − lr·signum(beta1·m + fresh1·g)
 *     m = beta2·m + fresh2·g
 */
export function lionUpdate(parameter: Floats, gradient: Floats, momentumBuffer: Floats, settings: Floats): void {
  const [lr, keep, beta1, fresh1, beta2, fresh2, sign] = settings;
  for (let i = 0; i < parameter.length; i++) {
    const g = sign * gradient[i];
    const m = momentumBuffer[i];
    parameter[i] = keep * parameter[i] - lr * Math.sign(beta1 * m + fresh1 * g);
    momentumBuffer[i] = beta2 * m + fresh2 * g;
  }
}

/** y = keep·y + take·x, in place, with keep and take in `factors`; y and x have one length. */
export function blend(y: Floats, x: Floats, factors: Floats): void {
  const [keep, take] = factors;
  for (let i = 0; i < y.length; i++) y[i] = keep * y[i] + take * x[i];
}
