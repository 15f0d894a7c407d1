import { ArgumentError, check } from '../errors.js';
import type { Module } from '../nn/module.js';
import { SmallCnn } from './smallcnn.js';

/** What a network must be made for. */
export interface NetworkNeeds {
  /** Channels of an image. */
  readonly channels: number;
  readonly classes: number;
}

/** Networks by the names that commands know. */
const NETWORKS: Readonly<Record<string, (needs: NetworkNeeds) => Module>> = {
  cnn: ({ channels, classes }) => new SmallCnn(channels, classes),
};

export const NETWORK_NAMES = Object.keys(NETWORKS);

/** A network with weights as they are before training. */
export function makeNetwork(name: string, needs: NetworkNeeds): Module {
  check(
    Object.hasOwn(NETWORKS, name),
    '--model',
    () => `must be one of ${NETWORK_NAMES.join(', ')}, got '${name}'`,
    ArgumentError,
  );
  return NETWORKS[name](needs);
}
