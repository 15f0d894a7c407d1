import { ArgumentError, check } from '../errors.js';
import * as models from '../models/index.js';
import type { Module } from '../nn/module.js';
import { SmallCnn } from './smallcnn.js';

/** What a network must be made for. */
export interface NetworkNeeds {
  readonly numClasses: number;
  readonly inChannels: number;
}

/** Networks by the names that commands know: one for images of any size, and the classifiers of `models`. */
const NETWORKS: Readonly<Record<string, (needs: NetworkNeeds) => Module>> = {
  cnn: (needs) => new SmallCnn(needs),
  lenet5: models.lenet5,
  cifarResnet18: models.cifarResnet18,
  cifarResnet34: models.cifarResnet34,
  cifarResnet50: models.cifarResnet50,
  resnet18: models.resnet18,
  resnet34: models.resnet34,
  resnet50: models.resnet50,
  vgg11: models.vgg11,
  vgg11Bn: models.vgg11Bn,
  vgg16: models.vgg16,
  vgg16Bn: models.vgg16Bn,
  mobilenetV2: models.mobilenetV2,
  squeezenet: models.squeezenet,
};

/** Throws unless there is a network of that name. */
export function checkNetwork(name: string): void {
  check(
    Object.hasOwn(NETWORKS, name),
    '--model',
    () => `must be one of ${Object.keys(NETWORKS).join(', ')}, got '${name}'`,
    ArgumentError,
  );
}

/** A network with weights as they are before training. */
export function makeNetwork(name: string, needs: NetworkNeeds): Module {
  checkNetwork(name);
  return NETWORKS[name](needs);
}
