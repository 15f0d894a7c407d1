import { ModelFormatError, UnsupportedOpError } from '../errors.js';
import type { OnnxGraph } from './graph.js';
import type { Initializer } from './initializer.js';
import type { AttributeRule, AttributeRules, AttributeValue } from './operator.js';
import { ATTRIBUTE_TYPES, type AttributeProto, type GraphProto, type TensorProto } from './proto/types.js';

/** How the parts of an attribute that are messages themselves are read. */
export interface AttributeParts {
  tensor(what: string, tensor: TensorProto): Initializer;
  graph(what: string, graph: GraphProto): OnnxGraph;
}

/**
 * The values of a node's attributes, each of which the operator knows and supports.
 *
 * @throws ModelFormatError for attributes of another type or without a value; UnsupportedOpError for unknown ones, and for
 *   values that are not supported
 */
export function readAttributes(
  where: string,
  given: readonly AttributeProto[],
  rules: AttributeRules,
  parts: AttributeParts,
): ReadonlyMap<string, AttributeValue> {
  const values = new Map<string, AttributeValue>();
  for (const attribute of given) {
    const { name, refAttrName } = attribute;
    if (values.has(name)) throw new ModelFormatError(`readModel: ${where}: attribute '${name}' stands twice`);
    if (refAttrName) throw new ModelFormatError(`readModel: ${where}: attribute '${name}' refers to '${refAttrName}'`);
    if (!Object.hasOwn(rules, name)) {
      throw new UnsupportedOpError(`readModel: ${where}: attribute '${name}' is not known`);
    }
    values.set(name, readValue(where, attribute, rules[name], parts));
  }
  return values;
}

function readValue(
  where: string,
  attribute: AttributeProto,
  rule: AttributeRules[string],
  parts: AttributeParts,
): AttributeValue {
  const { name, type } = attribute;
  const allowed: readonly (string | number)[] | null = typeof rule === 'string' ? null : rule;
  const kind: AttributeRule = allowed ? (typeof allowed[0] === 'string' ? 'string' : 'int') : (rule as AttributeRule);
  if (type !== ATTRIBUTE_TYPES[kind]) {
    const [have] = Object.entries(ATTRIBUTE_TYPES).find(([, code]) => code === type) ?? [`of type ${type}`];
    throw new ModelFormatError(`readModel: ${where}: attribute '${name}' is ${have}, ${kind} belongs there`);
  }
  const value = readKind(where, attribute, kind, parts);
  if (allowed && !allowed.includes(value as string | number)) {
    const text = `attribute '${name}' is ${JSON.stringify(value)}, supported are ${allowed.join(', ')}`;
    throw new UnsupportedOpError(`readModel: ${where}: ${text}`);
  }
  return value;
}

function readKind(
  where: string,
  attribute: AttributeProto,
  kind: AttributeRule,
  parts: AttributeParts,
): AttributeValue {
  const { name, tensor, graph } = attribute;
  const what = `attribute '${name}' of ${where}`;
  switch (kind) {
    case 'float':
      return attribute.float;
    case 'int':
      return toNumber(attribute.int);
    case 'string':
      return new TextDecoder().decode(attribute.string);
    case 'floats':
      return attribute.floats;
    case 'ints':
      return attribute.ints.map(toNumber);
    case 'tensor':
      if (!tensor) throw new ModelFormatError(`readModel: ${what} has no tensor`);
      return parts.tensor(what, tensor);
    case 'graph':
      if (!graph) throw new ModelFormatError(`readModel: ${what} has no graph`);
      return parts.graph(what, graph);
  }
}

function toNumber(value: bigint): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}
