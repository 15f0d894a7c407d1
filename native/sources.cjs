// Prints one group of sources.json for binding.gyp, one entry a line:
//   node native/sources.cjs sources          the runtime and the addon
//   node native/sources.cjs source avx2      the translation unit of an ISA
//   node native/sources.cjs flags            the flags of every file
//   node native/sources.cjs flags avx2       those an ISA adds
const sources = require('./sources.json');

const [group, isa] = process.argv.slice(2);
const groups = {
  sources: () => [...sources.runtime, ...sources.addon],
  source: () => [sources.isa[isa].source],
  flags: () => (isa ? sources.isa[isa].flags : sources.flags),
};
console.log(groups[group]().join('\n'));
