import { ArgumentError, AutogradError, ConvforgeError, DTypeError, ShapeError } from '../../../lib/errors.js';
import * as cf from '../../../lib/index.js';
import type { Rejections } from './rejection.js';

const { Adam, AdamW, dropout, gradientCheck, Lion, nn, optim, RMSprop, SGD, tensor, zeros } = cf;
const wrong = (value: unknown) => value as never;
const weights = () => [tensor([1, 2], { requiresGrad: true })];
const sgd = () => new SGD(weights(), { lr: 1, momentum: 0.5 });
const double = () => tensor([1, 2], { dtype: 'float64', requiresGrad: true });

/** An optimizer with a gradient that does not fit its parameter. */
function misfit() {
  const [weight] = weights();
  weight.grad = zeros([3]);
  return new SGD([weight], { lr: 1 });
}

function averaged() {
  const net = new nn.Linear(1, 1);
  return new optim.ExponentialMovingAverage(net);
}

// biome-ignore format: one rejection a line
export const OPTIM_REJECTIONS: Rejections = {
  'optim/optimizer.ts': [
    [() => new SGD([], { lr: 1 }), ArgumentError, 'SGD: there are no parameters to optimise'],
    [() => new SGD([{ params: [] }], { lr: 1 }), ArgumentError, 'SGD: a group has no parameters'],
    [() => new SGD(wrong([7]), { lr: 1 }), ArgumentError, 'SGD: parameters must be tensors, or groups { params, … } of them'],
    [() => new Adam(weights(), { lr: -1 }), ArgumentError, 'Adam: lr must be at least 0, got -1'],
    [() => new AdamW(weights(), { betas: [0.9, 1] }), ArgumentError, 'AdamW: betas[1] must be in [0, 1), got 1'],
    [() => new Lion(weights(), { betas: wrong(0.9) }), ArgumentError, 'Lion: betas[0] must be in [0, 1), got undefined'],
    [() => new Adam(weights(), { eps: Number.NaN }), ArgumentError, 'Adam: eps must be at least 0, got NaN'],
    [() => new Adam(weights(), { weightDecay: -1 }), ArgumentError, 'Adam: weightDecay must be at least 0, got -1'],
    [() => new RMSprop(weights(), { alpha: 2 }), ArgumentError, 'RMSprop: alpha must be in [0, 1], got 2'],
    [() => new SGD(weights(), { lr: 1, momentum: 2 }), ArgumentError, 'SGD: momentum must be in [0, 1], got 2'],
    [() => new SGD(weights(), { lr: 1, dampening: -1 }), ArgumentError, 'SGD: dampening must be in [0, 1], got -1'],
    [() => new SGD([weights()[0].mul(2)], { lr: 1 }), ArgumentError, 'SGD: a parameter of shape [2] is the result of an operation; only leaves can be optimised'],
    [() => { const [w] = weights(); return new SGD([w, w], { lr: 1 }); }, ArgumentError, 'SGD: a parameter is listed twice, and would be updated twice in each step'],
    [() => misfit().step(), ShapeError, 'step: a gradient is float32 [3], its parameter float32 [2]'],
    [() => sgd().loadStateDict({ step: 1, groups: [{ ...sgd().options, lr: -1, size: 1 }], state: [null] }), ConvforgeError, 'loadStateDict: SGD: lr must be at least 0, got -1'],
    [() => sgd().loadStateDict({ step: 1, groups: [], state: [] }), ConvforgeError, 'loadStateDict: the state is of groups of  parameters, the optimizer of groups of 1 parameters'],
  ],
  'optim/sgd.ts': [
    [() => new SGD(weights(), { lr: 1, nesterov: true }), ArgumentError, 'SGD: nesterov needs momentum above 0 and no dampening, got 0 and 0'],
    [() => new SGD(weights(), { lr: 1, nesterov: true, momentum: 0.9, dampening: 0.5 }), ArgumentError, 'SGD: nesterov needs momentum above 0 and no dampening, got 0.9 and 0.5'],
  ],
  'optim/clip.ts': [
    [() => optim.clipGradNorm(weights(), Number.NaN), ArgumentError, 'clipGradNorm: maxNorm must be at least 0, got NaN'],
    [() => optim.clipGradNorm(weights(), 1, 0), ArgumentError, 'clipGradNorm: normType must be above 0, got 0'],
    [() => optim.clipGradValue(weights(), -1), ArgumentError, 'clipGradValue: clipValue must be at least 0, got -1'],
  ],
  'optim/checkstate.ts': [
    [() => sgd().loadStateDict({ step: -1, groups: [{ lr: 1, size: 1 }], state: [null] }), ConvforgeError, 'loadStateDict: step must be an integer of at least 0, got -1'],
    [() => { const ema = averaged(); ema.loadStateDict({ ...ema.stateDict(), updates: -1 }); }, ConvforgeError, 'loadStateDict: updates must be an integer of at least 0, got -1'],
    [() => new optim.ExponentialLR(sgd(), { gamma: 1 }).loadStateDict({ epoch: 1.5, baseLrs: [1] }), ConvforgeError, 'loadStateDict: epoch must be an integer of at least 0, got 1.5'],
  ],
  'optim/ema.ts': [
    [() => new optim.ExponentialMovingAverage(new nn.ReLU(), { decay: 1.5 }), ArgumentError, 'ExponentialMovingAverage: decay must be in [0, 1], got 1.5'],
    [() => { const ema = averaged(); return ema.apply(() => ema.update()); }, ArgumentError, 'update: the averages are in the place of the weights; wait for apply'],
    [() => averaged().loadStateDict({ updates: 1, averages: { weight: zeros([1, 1]) } }), ConvforgeError, 'loadStateDict: averages do not fit the module: bias'],
  ],
  'optim/schedulers/scheduler.ts': [
    [() => new optim.StepLR(sgd(), { stepSize: 0 }), ArgumentError, 'StepLR: stepSize must be an integer of at least 1, got 0'],
    [() => new optim.LambdaLR(sgd(), { lrLambda: [() => 1, () => 2] }), ArgumentError, 'LambdaLR: lrLambda must be one value or 1, one for each group, got 2'],
    [() => new optim.ExponentialLR(sgd(), { gamma: 1 }).loadStateDict({ epoch: 1, baseLrs: [1, 2] }), ConvforgeError, 'loadStateDict: baseLrs must be 1 numbers, got [1,2]'],
  ],
  'optim/schedulers/steplr.ts': [
    [() => new optim.MultiStepLR(sgd(), { milestones: wrong(3) }), ArgumentError, 'MultiStepLR: milestones must be an array of epochs'],
    [() => new optim.MultiStepLR(sgd(), { milestones: [1.5] }), ArgumentError, 'MultiStepLR: a milestone must be an integer of at least 1, got 1.5'],
  ],
  'optim/schedulers/lambdalr.ts': [
    [() => new optim.LambdaLR(sgd(), { lrLambda: wrong(0.5) }), ArgumentError, 'LambdaLR: lrLambda must be a function of the epoch'],
  ],
  'optim/schedulers/linearlr.ts': [
    [() => new optim.LinearLR(sgd(), { startFactor: 0 }), ArgumentError, 'LinearLR: startFactor must be in (0, 1], got 0'],
    [() => new optim.ConstantLR(sgd(), { factor: 1.5 }), ArgumentError, 'ConstantLR: factor must be in (0, 1], got 1.5'],
  ],
  'optim/schedulers/onecyclelr.ts': [
    [() => new optim.OneCycleLR(sgd(), { maxLr: 1, totalSteps: 5, divFactor: 0 }), ArgumentError, 'OneCycleLR: divFactor must be above 0, got 0'],
    [() => new optim.OneCycleLR(sgd(), { maxLr: 1 }), ArgumentError, 'OneCycleLR: totalSteps, or epochs · stepsPerEpoch, must be an integer of at least 1, got NaN'],
    [() => new optim.OneCycleLR(sgd(), { maxLr: 1, totalSteps: 5, annealStrategy: wrong('sine') }), ArgumentError, `OneCycleLR: annealStrategy must be 'cos' or 'linear', got "sine"`],
    [() => { const scheduler = new optim.OneCycleLR(sgd(), { maxLr: 1, totalSteps: 1 }); scheduler.step(); scheduler.step(); }, ArgumentError, 'OneCycleLR: the cycle of 1 steps is over'],
    [() => new optim.OneCycleLR(new Plain(weights()), { maxLr: 1, totalSteps: 5 }), ArgumentError, 'OneCycleLR: the optimizer has no momentum to cycle; pass { cycleMomentum: false }'],
  ],
  'optim/schedulers/reducelronplateau.ts': [
    [() => new optim.ReduceLROnPlateau(sgd(), { mode: wrong('less') }), ArgumentError, `ReduceLROnPlateau: mode must be 'min' or 'max', got "less"`],
    [() => new optim.ReduceLROnPlateau(sgd(), { thresholdMode: wrong('rela') }), ArgumentError, `ReduceLROnPlateau: thresholdMode must be 'rel' or 'abs', got "rela"`],
    [() => new optim.ReduceLROnPlateau(sgd(), { factor: 1 }), ArgumentError, 'ReduceLROnPlateau: factor must be in [0, 1), got 1'],
    [() => new optim.ReduceLROnPlateau(sgd()).step(), ArgumentError, 'ReduceLROnPlateau: step needs the metric that is watched, got undefined'],
  ],
  'optim/schedulers/compositescheduler.ts': [
    [() => new optim.SequentialLR(sgd(), { schedulers: [], milestones: [] }), ArgumentError, 'SequentialLR: schedulers must be an array of schedulers, at least one'],
    [() => new optim.ChainedScheduler(wrong(undefined)), ArgumentError, 'ChainedScheduler: schedulers must be an array of schedulers, at least one'],
    [() => new optim.ChainedScheduler([constant(sgd()), constant(sgd())]), ArgumentError, 'ChainedScheduler: all schedulers must be of the same optimizer'],
  ],
  'optim/schedulers/sequentiallr.ts': [
    [() => { const o = sgd(); return new optim.SequentialLR(o, { schedulers: [constant(o), constant(o)], milestones: [] }); }, ArgumentError, 'SequentialLR: 2 schedulers need 1 milestones, got 0'],
    [() => { const o = sgd(); return new optim.SequentialLR(o, { schedulers: [constant(o), constant(o), constant(o)], milestones: [3, 3] }); }, ArgumentError, 'SequentialLR: milestones must rise, got 3, 3'],
  ],
  'gradientcheck.ts': [
    [() => gradientCheck((x) => x, [double()], { eps: 0 }), ArgumentError, 'gradientCheck: eps must be above 0, got 0'],
    [() => gradientCheck((x) => x, [double()], { atol: -1 }), ArgumentError, 'gradientCheck: atol and rtol must be at least 0, got -1 and 0.001'],
    [() => gradientCheck((x) => x, [zeros([2], { dtype: 'float64' })]), ArgumentError, 'gradientCheck: nothing requires a gradient'],
    [() => gradientCheck((x) => x, weights()), DTypeError, `gradientCheck: input 0 must be float64 to be differentiated by differences, got float32; convert with .to('float64')`],
    [() => gradientCheck((x) => x.to('float32'), [double()]), DTypeError, 'gradientCheck: output 0 must be a float64 tensor, got float32'],
    [() => gradientCheck((x) => dropout(x.reshape([2, 1]).expand([2, 50])), [double()]), AutogradError, 'gradientCheck: the function gives two results for the same inputs; is there a dropout in it?'],
    [() => gradientCheck((x) => x.square().sum().detach(), [double()], { eps: 0.5 }), AutogradError, 'gradientCheck: the derivative by input 0[1] is 0, differences give 4'],
  ],
};

/** An optimizer that knows no momentum. */
class Plain extends optim.Optimizer {
  constructor(parameters: Iterable<cf.Tensor>) {
    super({ name: 'Plain', checkOptions: () => undefined, state: {} }, parameters, { lr: 1 });
  }

  protected update(): void {}
}

function constant(optimizer: cf.optim.Optimizer): cf.optim.Scheduler {
  return new optim.ConstantLR(optimizer);
}
