// C = alpha * op(A) * op(B) + beta * C for every matrix of a batch.
//
// Matrices are cut into blocks of C, one item each, whose size depends on the shape alone. An item packs the columns of
// B that it needs, then one row panel of A after the other. A product with a single row or column reads its matrix
// once, so packing would double the traffic: those have their own loops.
#pragma once
#include "kernels/pack.inl"

namespace ISA {
namespace {

// 1024 steps of a row panel are 56 KiB and of 512 columns 2 MiB: they stream from the second and third level caches,
// which deliver the 13 bytes a cycle a tile wants with room to spare, and C is rarely read back.
constexpr int64_t kGemmLongestK = 1024;

// Row panels packed together: where A is transposed, a panel of a row is shorter than a cache line, several of them are
// not.
constexpr int64_t kPanelsAtOnce = 4;

enum class GemmKind { tiles, rowsTimesVector, vectorTimesRows };

struct GemmGrid {
  GemmKind kind;
  int64_t length;            // of the result vector, if one operand is a vector
  int64_t mBlocks, nBlocks;  // blocks of one matrix
  int64_t kBlocks;
};

INLINE GemmGrid gridOf(const GemmGeometry& g) {
  GemmGrid grid = {GemmKind::tiles, 0, 1, 1, kBlocksOf(g.k, kGemmLongestK)};
  if (g.m == 1 || g.n == 1) {
    // the matrix is B if there is one row and A if there is one column; its rows run along k or along the result
    const bool alongK = g.m == 1 ? g.transB || g.n == 1 : !g.transA;
    grid.kind = alongK ? GemmKind::rowsTimesVector : GemmKind::vectorTimesRows;
    grid.length = int64_t{g.m} * g.n;
    const int64_t unit = alongK ? 4 : 8 * kWidth;
    const int64_t perBlock = roundUp(ceilDiv(int64_t{1} << 16, largest(1, g.k)), unit);
    grid.nBlocks = largest(1, ceilDiv(grid.length, perBlock));
    return grid;
  }
  // Blocks of at most 280 x 512: packing A costs one operation in 512 then, packing B one in 280. Smaller blocks only
  // as long as a handful of threads would stand idle and a block is still worth some 100 microseconds.
  int64_t m = largest(1, ceilDiv(g.m, 280)), n = largest(1, ceilDiv(g.n, 512));
  while (m * n * g.batch < 16) {
    const int64_t rows = ceilDiv(g.m, m), cols = ceilDiv(g.n, n);
    if (rows * cols < (int64_t{1} << 22) / largest(1, g.k)) break;
    if (rows >= cols && rows >= 112) {
      m++;
    } else if (cols >= 128) {
      n++;
    } else {
      break;
    }
  }
  grid.mBlocks = m;
  grid.nBlocks = smallest(n, ceilDiv(g.n, kTileCols));
  return grid;
}

INLINE int64_t columnsPerBlock(const GemmGeometry& g, const GemmGrid& grid) {
  return roundUp(ceilDiv(g.n, grid.nBlocks), kTileCols);
}

INLINE Work plan(const args::gemm& q) {
  const GemmGeometry& g = q.g;
  const int64_t sizeA = elements(g.m, g.k), sizeB = elements(g.k, g.n), sizeC = elements(g.batch, g.m, g.n);
  const int64_t last = int64_t{g.batch} - 1;
  const int64_t skipA = elements(last, g.strideA), skipB = elements(last, g.strideB);
  if (g.batch < 0 || sizeA < 0 || sizeB < 0 || sizeC < 0) return refuse("gemm: the sizes are not valid");
  if (sizeC == 0) return parallel(0, 1, 0);
  if (skipA < 0 || skipB < 0) return refuse("gemm: the strides are not valid");
  if (!holds(q.a, sizeA == 0 ? 0 : skipA + sizeA)) return refuse("gemm: a is shorter than its shape");
  if (!holds(q.b, sizeB == 0 ? 0 : skipB + sizeB)) return refuse("gemm: b is shorter than its shape");
  if (!holds(q.c, sizeC)) return refuse("gemm: c is shorter than its shape");

  const GemmGrid grid = gridOf(g);
  const int64_t items = g.batch * grid.mBlocks * grid.nBlocks;
  const double cost = static_cast<double>(sizeC) * g.k;
  Work work = parallel(items, grainOf(cost / items), cost);
  if (grid.kind == GemmKind::tiles) {
    const int64_t k = ceilDiv(g.k, grid.kBlocks);
    work.localFloats = aligned(k * columnsPerBlock(g, grid)) + aligned(k * kPanelsAtOnce * kTileRows);
  }
  return work;
}

// c[i] = alpha * (row i of the matrix . vector) + beta * c[i] for `rows` rows of k values.
INLINE void rowsTimesVector(const float* matrix, const float* vector, int64_t rows, int64_t k, float* c, float alpha,
                            float beta) {
  constexpr int kRows = 4;  // four rows share each load of the vector
  for (int64_t i = 0; i < rows; i += kRows) {
    const float* row[kRows];
    for (int r = 0; r < kRows; r++) row[r] = matrix + smallest(i + r, rows - 1) * k;
    V even[kRows], odd[kRows];
    for (int r = 0; r < kRows; r++) even[r] = odd[r] = zero();
    int64_t j = 0;
    for (; j + 2 * kWidth <= k; j += 2 * kWidth) {
      const V first = load(vector + j), second = load(vector + j + kWidth);
      for (int r = 0; r < kRows; r++) {
        even[r] = fmadd(load(row[r] + j), first, even[r]);
        odd[r] = fmadd(load(row[r] + j + kWidth), second, odd[r]);
      }
    }
    for (; j < k; j += kWidth) {
      const V rest = loadUpTo(vector + j, k - j);
      for (int r = 0; r < kRows; r++) even[r] = fmadd(loadUpTo(row[r] + j, k - j), rest, even[r]);
    }
    for (int r = 0; r < kRows && i + r < rows; r++) {
      const float value = alpha * reduceAdd(add(even[r], odd[r]));
      c[i + r] = beta == 0 ? value : value + beta * c[i + r];
    }
  }
}

// c[j] = alpha * sum of vector[k] * matrix[k][j] + beta * c[j] for `cols` columns of a matrix with row pitch ld.
INLINE void vectorTimesRows(const float* matrix, int64_t ld, const float* vector, int64_t cols, int64_t k, float* c,
                            float alpha, float beta) {
  constexpr int kVectors = 4;
  for (int64_t j = 0; j < cols; j += kVectors * kWidth) {
    const int64_t width = cols - j;
    V total[kVectors];
    for (int v = 0; v < kVectors; v++) total[v] = zero();
    for (int64_t begin = 0; begin < k; begin += kGemmLongestK) {
      const int64_t end = smallest(k, begin + kGemmLongestK);
      V sum[kVectors];
      for (int v = 0; v < kVectors; v++) sum[v] = zero();
      const float* row = matrix + begin * ld + j;
      if (width >= kVectors * kWidth) {
        for (int64_t i = begin; i < end; i++, row += ld) {
          const V left = set1(vector[i]);
          for (int v = 0; v < kVectors; v++) sum[v] = fmadd(left, load(row + v * kWidth), sum[v]);
        }
      } else {
        for (int64_t i = begin; i < end; i++, row += ld) {
          const V left = set1(vector[i]);
          for (int v = 0; v < kVectors; v++)
            sum[v] = fmadd(left, loadUpTo(row + v * kWidth, width - v * kWidth), sum[v]);
        }
      }
      for (int v = 0; v < kVectors; v++) total[v] = add(total[v], sum[v]);
    }
    for (int v = 0; v < kVectors; v++) {
      float* p = c + j + v * kWidth;
      const int64_t lanes = width - v * kWidth;
      V value = mul(set1(alpha), total[v]);
      if (beta != 0) value = fmadd(set1(beta), loadUpTo(p, lanes), value);
      storeUpTo(p, value, lanes);
    }
  }
}

// The block of C with rows [m0, m1) and columns [n0, n1).
INLINE void gemmBlock(const args::gemm& q, const GemmGrid& grid, const float* a, const float* b, float* c, int64_t m0,
                      int64_t m1, int64_t n0, int64_t n1, float* local) {
  if (n0 == n1) return;
  const GemmGeometry& g = q.g;
  const int64_t rowA = g.transA ? 1 : g.k, kA = g.transA ? g.m : 1;
  const int64_t kB = g.transB ? 1 : g.n, colB = g.transB ? g.k : 1;
  const int64_t longest = ceilDiv(g.k, grid.kBlocks);
  float* packedB = local;
  float* packedA = local + aligned(longest * columnsPerBlock(g, grid));
  const int64_t panels = rowPanels(m1 - m0), cols = n1 - n0;
  // B is read once per row panel; for one or two of them copying it first does not pay.
  const int64_t inPlace = !g.transB && panels <= 2 ? cols / kTileCols * kTileCols : 0;

  for (int64_t block = 0; block < grid.kBlocks; block++) {
    const int64_t k0 = partBegin(g.k, grid.kBlocks, block), k = partBegin(g.k, grid.kBlocks, block + 1) - k0;
    const float* columns = b + k0 * kB + n0 * colB;
    packColumns(columns + inPlace * colB, kB, colB, k, cols - inPlace, packedB);
    Strip strip = {};
    strip.k = k;
    strip.ldc = g.n;
    strip.alpha = static_cast<float>(q.alpha);
    strip.beta = block == 0 ? static_cast<float>(q.beta) : 1;
    for (int64_t first = 0; first < panels; first += kPanelsAtOnce) {
      const int64_t end = smallest(panels, first + kPanelsAtOnce), firstRow = partBegin(m1 - m0, panels, first);
      packRowPanels(a + m0 * rowA + k0 * kA, rowA, kA, m1 - m0, first, end, k, packedA);
      for (int64_t p = first; p < end; p++) {
        const int64_t row = partBegin(m1 - m0, panels, p);
        strip.a = packedA + (row - firstRow) * k;
        strip.rows = partBegin(m1 - m0, panels, p + 1) - row;
        strip.c = c + (m0 + row) * g.n + n0;
        strip.b = columns;
        strip.ldb = g.n;
        strip.panelStep = kTileCols;
        strip.cols = inPlace;
        multiplyStrip(strip);
        strip.c += inPlace;
        strip.b = packedB;
        strip.ldb = kTileCols;
        strip.panelStep = k * kTileCols;
        strip.cols = cols - inPlace;
        multiplyStrip(strip);
      }
    }
  }
}

INLINE void run(const args::gemm& q, int, Range range, const Workspace& workspace) {
  const GemmGeometry& g = q.g;
  const GemmGrid grid = gridOf(g);
  const float alpha = static_cast<float>(q.alpha), beta = static_cast<float>(q.beta);
  const int64_t perMatrix = grid.mBlocks * grid.nBlocks;
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t batch = item / perMatrix, block = item % perMatrix;
    const int64_t i = block / grid.nBlocks, j = block % grid.nBlocks;
    const float* a = q.a.data + batch * g.strideA;
    const float* b = q.b.data + batch * g.strideB;
    float* c = q.c.data + batch * g.m * g.n;
    if (grid.kind == GemmKind::tiles) {
      const int64_t width = columnsPerBlock(g, grid);
      const int64_t n0 = smallest(g.n, j * width), n1 = smallest(g.n, n0 + width);
      gemmBlock(q, grid, a, b, c, partBegin(g.m, grid.mBlocks, i), partBegin(g.m, grid.mBlocks, i + 1), n0, n1,
                workspace.local);
      continue;
    }
    const float* matrix = g.m == 1 ? b : a;
    const float* vector = g.m == 1 ? a : b;
    const int64_t begin = partBegin(grid.length, grid.nBlocks, j), end = partBegin(grid.length, grid.nBlocks, j + 1);
    if (grid.kind == GemmKind::rowsTimesVector) {
      rowsTimesVector(matrix + begin * g.k, vector, end - begin, g.k, c + begin, alpha, beta);
    } else {
      vectorTimesRows(matrix + begin, grid.length, vector, end - begin, g.k, c + begin, alpha, beta);
    }
  }
}

}  // namespace
}  // namespace ISA
