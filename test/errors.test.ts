import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as errors from '../lib/errors.js';
import { setBackend } from '../lib/index.js';
import { CORE_REJECTIONS } from './cases/errors/core.js';
import { IMAGE_REJECTIONS } from './cases/errors/images.js';
import { INDEXING_REJECTIONS } from './cases/errors/indexing.js';
import { LAYER_REJECTIONS } from './cases/errors/layers.js';
import { LOSS_REJECTIONS } from './cases/errors/losses.js';
import { MODEL_REJECTIONS } from './cases/errors/models.js';
import { OP_REJECTIONS } from './cases/errors/ops.js';
import { OPTIM_REJECTIONS } from './cases/errors/optim.js';
import type { ErrorClass } from './cases/errors/rejection.js';
import { root } from './compiled.js';

const REJECTIONS = {
  ...CORE_REJECTIONS,
  ...OP_REJECTIONS,
  ...INDEXING_REJECTIONS,
  ...IMAGE_REJECTIONS,
  ...LAYER_REJECTIONS,
  ...OPTIM_REJECTIONS,
  ...LOSS_REJECTIONS,
  ...MODEL_REJECTIONS,
};

const CODES = new Map<ErrorClass, errors.ErrorCode>([
  [errors.ArgumentError, 'ERR_ARGUMENT'],
  [errors.ShapeError, 'ERR_SHAPE'],
  [errors.DTypeError, 'ERR_DTYPE'],
  [errors.AutogradError, 'ERR_AUTOGRAD'],
  [errors.NativeError, 'ERR_NATIVE'],
  // the base itself is thrown for state dicts only
  [errors.ConvforgeError, 'ERR_STATE_DICT'],
]);

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

// Checks come before any kernel, so one backend shows them all; this one is everywhere.
beforeAll(() => setBackend('typescript'));

for (const [file, rejections] of Object.entries(REJECTIONS)) {
  describe(file, () => {
    it.each(rejections.map(([call, kind, message]) => ({ call, kind, message })))(
      '$message',
      ({ call, kind, message }) => {
        const error = thrownBy(call) as errors.ConvforgeError;
        expect(error).toBeInstanceOf(errors.ConvforgeError);
        expect({ name: error.name, code: error.code, message: error.message }).toEqual({
          name: kind.name,
          code: CODES.get(kind),
          message,
        });
      },
    );
  });
}

/** A pattern for the texts that a string or template literal at the start of `source` can become. */
function patternOf(source: string): RegExp {
  const quote = source[0];
  let pattern = '';
  for (let i = 1; source[i] !== quote; i++) {
    if (quote === '`' && source.startsWith('${', i)) {
      let depth = 1;
      for (i += 2; depth > 0; i++) depth += source[i] === '{' ? 1 : source[i] === '}' ? -1 : 0;
      i--;
      pattern += '[^]*';
    } else {
      pattern += source[i].replace(/[.*+?^${}()|[\]\\]/, '\\$&');
    }
  }
  return new RegExp(`^${pattern}$`);
}

/** What the rule of a `check(…)` or the message of a `throw new …Error(…)` can say. */
function rulesOf(file: string): RegExp[] {
  const source = readFileSync(join(root, 'lib', file), 'utf8').replace(/^\s*(\*|\/\/|\/\*).*$/gm, '');
  const checks = [...source.matchAll(/(?<![.\w]|function )check\(/g)].map(({ index }) => {
    const arrow = source.indexOf('() =>', index);
    const rule = source.slice(arrow + '() =>'.length).trimStart();
    if (/^[`'"]/.test(rule)) return patternOf(rule);
    // the text is what a block returns, the rule's own or that of a function of this file
    const block = rule.startsWith('{') ? rule : source.slice(source.indexOf(`function ${/^\w+/.exec(rule)?.[0]}(`));
    return patternOf(block.slice(block.indexOf('return ') + 'return '.length));
  });
  const throws = [...source.matchAll(/throw new \w+Error\(\s*(?:'ERR_\w+',\s*)?(?=[`'"])/g)].map(
    ({ index, 0: start }) => patternOf(source.slice(index + start.length)),
  );
  return [...checks, ...throws];
}

/** Rules that no public call can break. */
const UNREACHABLE: Record<string, RegExp> = {
  // for whoever writes an op: it reads an input or output that it did not declare, or has no gradient at all
  'autograd.ts': /its gradient rule needs|this operation has no gradient/,
};

describe('every rule', () => {
  const folders = ['', 'ops/', 'nn/', 'optim/', 'optim/schedulers/', 'models/'];
  const files = folders
    .flatMap((folder) => readdirSync(join(root, 'lib', folder)).map((name) => `${folder}${name}`))
    .filter((name) => name.endsWith('.ts') && name !== 'errors.ts');
  const withRules = files.map((file) => [file, rulesOf(file)] as const).filter(([, rules]) => rules.length > 0);

  it('is looked for in the files that have some', () => {
    expect(withRules.map(([file]) => file).sort()).toEqual(Object.keys(REJECTIONS).sort());
    expect(withRules.flatMap(([, rules]) => rules).length).toBeGreaterThan(75);
  });

  it.each(withRules)('of %s is broken by a case above', (file, rules) => {
    const messages = (REJECTIONS[file] ?? []).map(([, , message]) => message.replace(/^[\w.[\]]+: /, ''));
    const whole = (REJECTIONS[file] ?? []).map(([, , message]) => message);
    for (const rule of rules) {
      if (UNREACHABLE[file]?.test(rule.source)) continue;
      expect(
        [...messages, ...whole].some((message) => rule.test(message)),
        `nothing breaks ${rule}`,
      ).toBe(true);
    }
  });
});

describe('error classes', () => {
  it('have stable codes, their own names, and one base', () => {
    for (const [kind, code] of CODES) {
      if (kind === errors.ConvforgeError) continue;
      const error = new (kind as new (message: string) => errors.ConvforgeError)('why');
      expect(error).toBeInstanceOf(errors.ConvforgeError);
      expect(error).toBeInstanceOf(Error);
      expect([error.code, error.name, error.message]).toEqual([code, kind.name, 'why']);
    }
  });

  it('carry a cause', () => {
    const cause = new Error('below');
    expect(new errors.ArgumentError('above', { cause }).cause).toBe(cause);
  });

  it('check builds its text only when it fails', () => {
    let built = 0;
    const rule = () => {
      built++;
      return 'no';
    };
    errors.check(true, 'op', rule);
    expect(built).toBe(0);
    expect(() => errors.check(false, 'op', rule)).toThrow(new errors.ShapeError('op: no'));
    expect(built).toBe(1);
  });
});
