// Matrix products whose B does not change, such as the weights of a fully connected layer: B is packed once, and what
// follows the sum, bias and activation, happens while C is in registers.
#pragma once
#include "kernels/blocked/epilogue.inl"
#include "kernels/gemm.inl"

namespace ISA {
namespace {

// A multiple of the panel width of every instruction set, so that the size of packed weights is the same on all.
constexpr int64_t kPackedUnit = 32;
static_assert(kPackedUnit % kTileCols == 0, "panels fill the packed columns");

// The strip of the last block of k.
struct FinishedStrip : Strip {
  const float* columnBias;  // of the first column, or nullptr
  Epilogue epilogue;
  bool addToC;  // C holds the sums of the blocks before
};

template <int Rows, int Vectors>
INLINE void multiplyTile(const FinishedStrip& s, const float* b, float* c, int64_t cols) {
  V sum[Rows * Vectors];
  sumTile<Rows, Vectors>(s, b, c, sum);
#pragma GCC unroll 2
  for (int j = 0; j < Vectors; j++) {
    const int64_t lanes = cols - j * kWidth;
    const V bias = s.columnBias ? loadUpTo(s.columnBias + (c - s.c) + j * kWidth, lanes) : zero();
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      V& value = sum[i * Vectors + j];
      value = add(value, bias);
      if (s.addToC) value = add(value, loadUpTo(c + i * s.ldc + j * kWidth, lanes));
    }
  }
  activateCheap(s.epilogue, sum, slopeOf(s.epilogue, 0, 0));
  storeTile<Rows, Vectors>(sum, c, s.ldc, cols, [](V v, int, float*, int64_t) { return v; });
}

// The product of a geometry whose B is packed: the strides of B itself are those of `transB`, used to pack it.
INLINE Product packedProduct(const GemmGeometry& g, const float* a, const float* b, float* c) {
  const int64_t rowA = g.transA ? 1 : g.k, kA = g.transA ? g.m : 1;
  const int64_t kB = g.transB ? 1 : g.n, colB = g.transB ? g.k : 1;
  return {1, g.m, g.n, g.k, a, b, c, 0, 0, rowA, kA, kB, colB, g.n, 1};
}

INLINE GemmGrid packedGrid(const Product& p) {
  GemmGrid grid = {};
  grid.packFirst = true;
  grid.packedCols = roundUp(p.n, kPackedUnit);
  grid.rowsInPlace = canReadRows(p);
  grid.kBlocks = kBlocksOf(p.k, kGemmLongestK);
  splitBlocks(p, grid);
  return grid;
}

INLINE Work plan(const args::gemmPackB& q) {
  const GemmGeometry& g = q.g;
  const int64_t size = elements(g.k, g.n);
  if (size < 0) return refuse("gemmPackB: the sizes are not valid");
  if (!holds(q.b, size)) return refuse("gemmPackB: b is shorter than its shape");
  if (!holds(q.packed, elements(g.k, roundUp(g.n, kPackedUnit)))) return refuse("gemmPackB: packed is too short");
  const GemmGrid grid = packedGrid(packedProduct(g, nullptr, nullptr, nullptr));
  const int64_t pieces = size == 0 ? 0 : grid.kBlocks * (grid.packedCols / kTileCols);
  return parallel(pieces, grainOf(static_cast<double>(size) / largest(1, pieces)), static_cast<double>(size));
}

INLINE void run(const args::gemmPackB& q, int, Range range, const Workspace&) {
  const Product p = packedProduct(q.g, nullptr, q.b.data, nullptr);
  const GemmGrid grid = packedGrid(p);
  for (int64_t piece = range.begin; piece < range.end; piece++) packPiece(p, grid, p.b, piece, q.packed.data);
}

INLINE Work plan(const args::gemmPacked& q) {
  const GemmGeometry& g = q.g;
  const int64_t sizeA = elements(g.m, g.k), sizeC = elements(g.m, g.n);
  if (g.batch != 1 || sizeA < 0 || sizeC < 0) return refuse("gemmPacked: the sizes are not valid");
  if (!isValidEpilogue(q.activation) || q.activation == ActivationKind::prelu)
    return refuse("gemmPacked: the activation is not one of those without parameters per channel");
  if (!holds(q.a, sizeA)) return refuse("gemmPacked: a is shorter than its shape");
  if (!holds(q.packed, elements(g.k, roundUp(g.n, kPackedUnit)))) return refuse("gemmPacked: packed is too short");
  if (!nullOrHolds(q.bias, g.n)) return refuse("gemmPacked: bias is shorter than a row of c");
  if (!holds(q.c, sizeC)) return refuse("gemmPacked: c is shorter than its shape");
  if (sizeC == 0) return parallel(0, 1, 0);
  const Product p = packedProduct(g, q.a.data, nullptr, q.c.data);
  const GemmGrid grid = packedGrid(p);
  const int64_t items = grid.mBlocks * grid.nBlocks;
  const double cost = static_cast<double>(sizeC) * g.k;
  Work work = parallel(items, grainOf(cost / items), cost);
  if (!grid.rowsInPlace) work.localFloats = aligned(packedRowFloats(ceilDiv(p.k, grid.kBlocks)));
  return work;
}

INLINE void run(const args::gemmPacked& q, int, Range range, const Workspace& workspace) {
  const Product p = packedProduct(q.g, q.a.data, nullptr, q.c.data);
  const GemmGrid grid = packedGrid(p);
  const bool cheap = isCheap(q.activation);
  const Epilogue epilogue =
      epilogueOf(cheap ? q.activation : int32_t{ActivationKind::identity}, nullptr, q.alpha, q.beta);
  gemmItems(p, grid, range, q.packed.data, workspace.local, [&](Strip& strip, int64_t column, int64_t block) {
    strip.alpha = 1;
    strip.beta = block == 0 ? 0 : 1;
    if (block + 1 < grid.kBlocks) return multiplyStrip(strip);
    FinishedStrip finished = {strip, q.bias.data ? q.bias.data + column : nullptr, epilogue, block > 0};
    multiplyStrip(finished);
    for (int64_t i = 0; !cheap && i < strip.rows; i++)
      activateRow(q.activation, strip.c + i * strip.ldc, strip.cols);
  });
}

}  // namespace
}  // namespace ISA
