import type { NativeAddon } from '../backend/native.js';
import { CONV2D_FIELDS, type Conv2dGeometry, encode } from '../geometry.js';
import { CONVOLUTION_ALGORITHMS, CONVOLUTION_PASSES, type ConvolutionPass } from '../kernels/operations.js';
import { findHomes, type Home } from './blocked/concatenation.js';
import { BLOCKED_RULES } from './blocked/index.js';
import { type BlockedRule, type Choice, isFeatureMap, type Surroundings } from './blocked/rule.js';
import type { Graph, Node, Value } from './graph.js';
import type { FusedConv2dAttributes } from './ops/fusedconv2d.js';

/** Which nodes run on the kernels' own layout, and how the values between them lie. */
export interface Layout {
  readonly rules: ReadonlyMap<Node, BlockedRule>;
  readonly choices: ReadonlyMap<Node, Choice>;
  /** Width of the border of zeros around a value in blocks; 0 if there is no entry. */
  readonly halos: ReadonlyMap<Value, number>;
  /** Values that are a range of the channels of another. */
  readonly homes: ReadonlyMap<Value, Home>;
}

/** How layouts are assigned. */
export interface LayoutOptions {
  /** Convolutions by direct summation only. */
  readonly exact: boolean;
  /** false: everything stays as users see it. */
  readonly blocked: boolean;
}

/**
 * Lets convolutions, and what lies between them, work on blocks of 16 channels: each node that can and whose input is in
 * blocks already, and each convolution. A value gets the widest border that any of its readers needs, so that padding
 * costs nothing.
 */
export function assignLayout(graph: Graph, addon: NativeAddon, { exact, blocked }: LayoutOptions): Layout {
  const rules = new Map<Node, BlockedRule>();
  const choices = new Map<Node, Choice>();
  const inBlocks = new Set<Value>();
  const around: Surroundings = {
    isBlocked: (value) => value !== null && inBlocks.has(value),
    readersOf: (value) => (graph.outputs.includes(value) ? null : graph.readersOf(value)),
    hasRule: (node) => node !== null && rules.has(node),
    choose(node) {
      const known = choices.get(node);
      if (known) return known;
      const choice = chooseAlgorithm(node, addon, exact);
      if (choice) choices.set(node, choice);
      return choice;
    },
  };
  for (const node of blocked ? graph.nodes : []) {
    const rule = BLOCKED_RULES.get(node.op.name);
    const results = rule?.blockedResults?.(node) ?? node.outputs.slice(0, 1);
    if (!rule || !results.every(isFeatureMap) || !rule.accepts(node, around)) continue;
    rules.set(node, rule);
    for (const value of results) inBlocks.add(value);
  }
  const homes = findHomes(graph, (value) => inBlocks.has(value));
  const halos = new Map<Value, number>();
  for (const [node, rule] of rules) {
    node.inputs.forEach((value, i) => {
      const halo = value && isFeatureMap(value) ? rule.halo(node, i, around) : null;
      if (value && halo !== null) widen(rootOf(value, homes), halo, halos);
    });
  }
  // Readers come after writers, so that going back each result has its border before the operand it may be written over.
  for (const [node, rule] of [...rules].reverse()) {
    for (const [result, operand] of rule.overlays?.(node) ?? []) {
      if (inBlocks.has(operand) && !homes.has(operand)) widen(operand, halos.get(result) ?? 0, halos);
    }
  }
  return { rules, choices, halos, homes };
}

/** The widest value that holds this one. */
export function rootOf(value: Value, homes: ReadonlyMap<Value, Home>): Value {
  const home = homes.get(value);
  return home ? rootOf(home.whole, homes) : value;
}

function widen(value: Value, halo: number, halos: Map<Value, number>): void {
  halos.set(value, Math.max(halo, halos.get(value) ?? 0));
}

const PASSES: Readonly<Record<string, ConvolutionPass>> = {
  conv2dGradInput: 'gradInput',
  fusedGradInput: 'gradInput',
  conv2dGradWeight: 'gradWeight',
};

function chooseAlgorithm(node: Node, addon: NativeAddon, exact: boolean): Choice | null {
  const [x, weight, , , slopes] = node.inputs;
  if (!isFeatureMap(x) || !isFeatureMap(weight) || (slopes && !slopes.constant)) return null;
  const pass = PASSES[node.op.name] ?? 'forward';
  const geometry =
    node.op.name === 'fusedConv2d'
      ? (node.attributes as FusedConv2dAttributes).geometry
      : (node.attributes as Conv2dGeometry);
  const choice = new Int32Array(3);
  const code = CONVOLUTION_PASSES.indexOf(pass);
  addon.kernels.blockedConv2dChoose(choice, encode(CONV2D_FIELDS, geometry), code, Number(exact));
  const [algorithm, floats, halo] = choice;
  return algorithm < 0 ? null : { algorithm: CONVOLUTION_ALGORITHMS[algorithm], pass, floats, halo };
}
