import type { Family } from './families.js';

export const CONTROL: Family = {
  // Which branch runs must be known before it does: the value of the condition is read.
  If: {
    inputs: [1, 1],
    outputs: Infinity,
    attributes: { else_branch: 'graph', then_branch: 'graph' },
    evaluate: (call) => {
      const branch = call.graph(call.number(0) ? 'then_branch' : 'else_branch');
      if (!branch) throw call.malformed('a branch is missing');
      return call.evaluate(branch);
    },
  },
};
