// The machine itself, for bench/: how many multiply-adds it does in registers, how fast it moves bytes. The caller holds
// the clock.
#pragma once
#include "kernels/plan.inl"

namespace ISA {
namespace {

// Independent chains of multiply-adds. The fastest cores start four a cycle and finish them four cycles later, which takes
// 16. Sets with 16 registers belong to cores that start two, and need 8, or 12 where multiplying and adding take three
// cycles each; 14 are all that fits beside the two constants.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kChains = 16;
#else
constexpr int kChains = 14;
#endif
constexpr double kFlopsPerStep = 2.0 * kChains * kWidth;

// Sums stand a cache line apart, so that no two threads write to the same.
constexpr int64_t kSumPitch = 16;

// Every item does `flops` operations (rounded up to whole steps) and leaves a sum in its line of `sums`.
Work plan(const args::measureFma& q) {
  constexpr double kMostFlops = 1e13;
  if (!(q.flops >= 0 && q.flops <= kMostFlops)) return refuse("measureFma: flops out of range");
  return parallel(q.sums.size / kSumPitch, 1, static_cast<double>(q.sums.size / kSumPitch) * q.flops);
}

void run(const args::measureFma& q, int, Range range, const Workspace&) {
  const int64_t steps = static_cast<int64_t>(q.flops / kFlopsPerStep) + 1;
  // every chain converges to 1: no denormals, no infinity. None starts there, or compilers see that it stays.
  const V scale = set1(0.999f), offset = set1(1e-3f);
  for (int64_t item = range.begin; item < range.end; item++) {
    V chains[kChains];
#pragma GCC unroll 16
    for (int i = 0; i < kChains; i++) chains[i] = set1(static_cast<float>(i + 2));
    for (int64_t step = 0; step < steps; step++) {
#pragma GCC unroll 16
      for (int i = 0; i < kChains; i++) chains[i] = fmadd(chains[i], scale, offset);
    }
    V sum = zero();
#pragma GCC unroll 16
    for (int i = 0; i < kChains; i++) sum = add(sum, chains[i]);
    q.sums.data[item * kSumPitch] = reduceAdd(sum);
  }
}

// Memory traffic: `x` holds `reads` streams and `y` `writes` streams of `length` floats, one after another at equal
// distances. Position by position, the sum over x goes to every stream of y; y may lie on x, position on position, as
// when parameters are updated in place. Without writes, y gets a line of sums for each part. Each of `parts` equal parts
// is an item and is swept `sweeps` times, so that a working set stays what it is, whoever works on it.
constexpr int kMostStreams = 4, kMostParts = 1024;
constexpr int kSweepVectors = 8;  // two additions a cycle, three cycles each: 6 independent sums suffice
constexpr int64_t kSweepStep = kSweepVectors * kWidth;

Work plan(const args::measureMemory& q) {
  if (q.reads < 0 || q.reads > kMostStreams || q.writes < 0 || q.writes > kMostStreams || q.reads + q.writes == 0) {
    return refuse("measureMemory: 0 to 4 streams on either side, and at least one");
  }
  if (q.parts < 1 || q.parts > kMostParts || q.sweeps < 1) return refuse("measureMemory: parts or sweeps out of range");
  if (!holds(q.x, elements(q.reads, q.length))) return refuse("measureMemory: x is too short");
  const int64_t written = q.writes > 0 ? elements(q.writes, q.length) : elements(q.parts, kSumPitch);
  if (q.length < 0 || !holds(q.y, written)) return refuse("measureMemory: y is too short");
  return parallel(q.parts, 1, static_cast<double>(q.reads + q.writes) * q.length * q.sweeps);
}

template <int Reads, int Writes>
INLINE void sweep(const float* x, int64_t pitchX, float* y, int64_t pitchY, int64_t begin, int64_t end, V* sums) {
  for (int64_t i = begin; i + kSweepStep <= end; i += kSweepStep) {
#pragma GCC unroll 8
    for (int v = 0; v < kSweepVectors; v++) {
      V value = Reads > 0 ? load(x + i + v * kWidth) : sums[v];
#pragma GCC unroll 4
      for (int r = 1; r < Reads; r++) value = add(value, load(x + r * pitchX + i + v * kWidth));
#pragma GCC unroll 4
      for (int w = 0; w < Writes; w++) store(y + w * pitchY + i + v * kWidth, value);
      if (Writes == 0) sums[v] = add(sums[v], value);
    }
  }
}

template <int Reads, int Writes>
__attribute__((noinline)) void sweepParts(const args::measureMemory& q, Range range) {
  const int64_t pitchX = Reads > 0 ? q.x.size / Reads : 0;
  const int64_t pitchY = Writes > 0 ? q.y.size / Writes : 0;
  for (int64_t part = range.begin; part < range.end; part++) {
    const int64_t begin = q.length * part / q.parts, end = q.length * (part + 1) / q.parts;
    V sums[kSweepVectors];
    for (int v = 0; v < kSweepVectors; v++) sums[v] = zero();
    for (int32_t i = 0; i < q.sweeps; i++) sweep<Reads, Writes>(q.x.data, pitchX, q.y.data, pitchY, begin, end, sums);
    if (Writes > 0) continue;
    V sum = zero();
    for (int v = 0; v < kSweepVectors; v++) sum = add(sum, sums[v]);
    q.y.data[part * kSumPitch] = reduceAdd(sum);
  }
}

template <int Reads>
INLINE void sweepPartsReading(const args::measureMemory& q, Range range) {
  switch (q.writes) {
    case 0: return sweepParts<Reads, 0>(q, range);
    case 1: return sweepParts<Reads, 1>(q, range);
    case 2: return sweepParts<Reads, 2>(q, range);
    case 3: return sweepParts<Reads, 3>(q, range);
    default: return sweepParts<Reads, 4>(q, range);
  }
}

void run(const args::measureMemory& q, int, Range range, const Workspace&) {
  switch (q.reads) {
    case 0: return sweepPartsReading<0>(q, range);
    case 1: return sweepPartsReading<1>(q, range);
    case 2: return sweepPartsReading<2>(q, range);
    case 3: return sweepPartsReading<3>(q, range);
    default: return sweepPartsReading<4>(q, range);
  }
}

}  // namespace
}  // namespace ISA
