// C = alpha * op(A) * op(B) + beta * C for every matrix of a batch.
//
// Matrices are cut into blocks of C, one item each, whose size depends on the shape alone. B is packed into column
// panels, in a phase of its own if several items read them, or read where it lies if it is met by few rows. Rows of A
// are read in place too unless their pitch forbids it. Where B runs along k and A has a few rows only, every value of B
// is needed once or twice and no copy pays: those products are inner products of rows (gemm_dots.inl).
#pragma once
#include "kernels/gemm_dots.inl"

namespace ISA {
namespace {

// 1024 steps of a row panel are 56 KiB and of 512 columns 2 MiB: they stream from the second and third level caches,
// which deliver the 7 bytes a cycle a tile wants with room to spare, and C is rarely read back.
constexpr int64_t kGemmLongestK = 1024;

// A B met by one or two row panels that is larger than the second level cache (floats) is bound by memory. It is read
// row by row as it lies: in stretches of 4 KiB from 16 rows, few enough streams for the prefetchers of the processor,
// and the next stretches are asked for beforehand, 45 cycles a step of a full tile being more than memory needs but 4
// cycles a step of a single row being less.
constexpr int64_t kFlatPanels = 2;
constexpr int64_t kStreamedB = 1 << 18, kStreamedRows = 16, kStreamedCols = 1024;

// A B of at most 64 KiB is close by as it lies, while copying it would take three operations in m: 2.3 % for 128 rows.
constexpr int64_t kSmallB = 16384;

// Column panels that one phase packs for all items: at most 16 MiB. Larger ones, and those of many small matrices, an
// item packs for itself, piece by piece, while they are in its caches.
constexpr int64_t kMostShared = 1 << 22;
constexpr int64_t kManyMatrices = 16;

// One kind of product: C[i][j] = sum over k of A[i][k] * B[k][j] with any strides, of which one of each operand is 1.
struct Product {
  int64_t batch, m, n, k;
  const float *a, *b;
  float* c;
  int64_t strideA, strideB;  // between the matrices of the batch
  int64_t rowA, kA, kB, colB, rowC, colC;
};

// The transposed product C^T = B^T A^T.
INLINE Product transposed(const Product& p) {
  return {p.batch, p.n, p.m, p.k, p.b, p.a, p.c, p.strideB, p.strideA, p.colB, p.kB, p.kA, p.rowA, p.colC, p.rowC};
}

// Whether the rows of A meet the columns of B in inner products: both are best read along k.
INLINE bool isDots(const Product& p) { return p.kB == 1 && p.m <= kMostDots && p.k >= kWidth; }

INLINE Product productOf(const args::gemm& q) {
  const GemmGeometry& g = q.g;
  const int64_t rowA = g.transA ? 1 : g.k, kA = g.transA ? g.m : 1;
  const int64_t kB = g.transB ? 1 : g.n, colB = g.transB ? g.k : 1;
  const Product p = {g.batch, g.m, g.n, g.k, q.a.data, q.b.data, q.c.data,
                     g.strideA, g.strideB, rowA, kA, kB, colB, g.n, 1};
  // A single column is a row of the transposed product, and a few columns may be rows of inner products.
  const Product other = transposed(p);
  return (g.n == 1 && g.m > 1) || (g.n < g.m && isDots(other) && !isDots(p)) ? other : p;
}

struct GemmGrid {
  bool dots;
  bool rowsInPlace;    // A is read where it lies
  bool streamed;       // the columns in place come from memory
  int64_t inPlace;     // so many columns of B are read where they lie
  int64_t packedCols;  // the others, in whole panels
  bool packFirst;      // by a phase of their own
  int64_t kBlocks;
  int64_t mBlocks, nBlocks;  // of one matrix; parts of its row and column panels
};

INLINE int64_t colPanels(int64_t n) { return ceilDiv(n, kTileCols); }

// Rows whose starts fall into less than 8 lines of the 64 sets of a first level cache push each other out.
INLINE bool pitchAliases(int64_t floats) {
  const int64_t rest = floats % 1024;
  return rest < 4 || rest > 1020;
}

// Whether tiles may read the rows of A where they lie. Rows across memory, a cache line to a step of k, only if they
// stay close by like a small B.
INLINE bool canReadRows(const Product& p) {
  return p.kA == 1 ? !pitchAliases(p.rowA) || p.n <= 2 * kTileCols : p.m * p.k <= kSmallB;
}

INLINE void splitBlocks(const Product& p, GemmGrid& grid) {
  // Blocks of at most 280 x 1024, or taller if each packs its columns: that costs three operations in the number of
  // rows. Smaller ones only as long as a handful of threads would stand idle and a block is worth 20 microseconds (a
  // few rows wait for B as long as a whole tile computes). Columns are cut last, since every cut packs A once more.
  const int64_t rowsOfBlock = grid.packFirst || grid.packedCols == 0 ? 280 : 1120;
  const int64_t panels = rowPanels(p.m), columns = colPanels(p.n);
  int64_t m = largest(1, ceilDiv(p.m, rowsOfBlock)), n = largest(1, ceilDiv(p.n, 1024));
  while (m * n * p.batch < 16) {
    const int64_t rows = ceilDiv(p.m, m), cols = ceilDiv(p.n, n);
    if (largest(rows, kTileRows) * cols < (int64_t{1} << 21) / largest(1, p.k)) break;
    if (rows >= 4 * kTileRows) {
      m++;
    } else if (cols >= 4 * kTileCols && (grid.rowsInPlace || m * n * p.batch < 4)) {
      n++;
    } else {
      break;
    }
  }
  grid.mBlocks = smallest(m, panels);
  grid.nBlocks = smallest(n, columns);
}

INLINE GemmGrid gridOf(const Product& p) {
  GemmGrid grid = {};
  grid.dots = isDots(p);
  if (grid.dots) {
    grid.rowsInPlace = p.kA == 1;
    grid.packFirst = !grid.rowsInPlace;
    grid.mBlocks = 1;
    grid.nBlocks = ceilDiv(p.n, roundUp(ceilDiv(int64_t{1} << 16, p.k), kDotRows));
    return grid;
  }
  const bool flat = rowPanels(p.m) <= kFlatPanels;
  if (p.colB == 1 && (flat || p.k * p.n <= kSmallB)) grid.inPlace = p.n / kTileCols * kTileCols;
  grid.packedCols = roundUp(p.n - grid.inPlace, kTileCols);
  grid.rowsInPlace = canReadRows(p);
  grid.streamed = flat && grid.inPlace > 0 && p.k * p.n > kStreamedB;
  grid.kBlocks = kBlocksOf(p.k, grid.streamed ? kStreamedRows : kGemmLongestK);
  const int64_t matrices = p.strideB == 0 ? 1 : p.batch;
  const int64_t packed = elements(matrices, p.k, grid.packedCols);
  grid.packFirst = packed > 0 && packed <= kMostShared && matrices < kManyMatrices;
  splitBlocks(p, grid);
  return grid;
}

INLINE int64_t columnsPerBlock(const Product& p, const GemmGrid& grid) {
  return ceilDiv(colPanels(p.n), grid.nBlocks) * kTileCols;
}

INLINE int64_t packedPerMatrix(const Product& p, const GemmGrid& grid) {
  return aligned(grid.dots ? p.m * p.k : p.k * grid.packedCols);
}

// Pieces in which the pack phase does a matrix: panels of a block of k, or stretches of k.
constexpr int64_t kDotsPiece = 2048;
INLINE int64_t packPieces(const Product& p, const GemmGrid& grid) {
  return grid.dots ? ceilDiv(p.k, kDotsPiece) : grid.kBlocks * (grid.packedCols / kTileCols);
}

INLINE Work planProduct(const Product& p) {
  const GemmGrid grid = gridOf(p);
  const double cost = static_cast<double>(p.batch) * p.m * p.n * p.k;
  const int64_t items = p.batch * grid.mBlocks * grid.nBlocks;
  Work work = {};
  work.cost = cost;
  if (grid.packFirst) {
    const int64_t operand = grid.dots ? p.strideA : p.strideB;
    const int64_t matrices = operand == 0 ? 1 : p.batch, pieces = packPieces(p, grid);
    work.sharedFloats = matrices * packedPerMatrix(p, grid);
    thenParallel(work, matrices * pieces, grainOf(static_cast<double>(packedPerMatrix(p, grid)) / pieces));
  }
  thenParallel(work, items, grainOf(cost / items));
  if (!grid.dots) {
    const int64_t k = ceilDiv(p.k, grid.kBlocks);
    if (!grid.packFirst) work.localFloats = aligned(k * smallest(grid.packedCols, columnsPerBlock(p, grid)));
    if (!grid.rowsInPlace) work.localFloats += aligned(packedRowFloats(k));
    if (grid.streamed) work.localFloats = largest(work.localFloats, kFlatPanels * packedRowFloats(k));
  }
  return work;
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
  return planProduct(productOf(q));
}

// Panel `piece` of the packed columns of B: block by block of k, [panel][step][kTileCols] within a block.
INLINE void packPiece(const Product& p, const GemmGrid& grid, const float* b, int64_t piece, float* packed) {
  const int64_t panels = grid.packedCols / kTileCols, block = piece / panels, panel = piece % panels;
  const int64_t k0 = partBegin(p.k, grid.kBlocks, block), k = partBegin(p.k, grid.kBlocks, block + 1) - k0;
  const int64_t col = grid.inPlace + panel * kTileCols;
  packColumnPanel(b + k0 * p.kB + col * p.colB, p.kB, p.colB, k, smallest(kTileCols, p.n - col),
                  packed + k0 * grid.packedCols + panel * k * kTileCols);
}

// The strip of C of one row panel, `columns` columns of B still to be filled in.
INLINE Strip stripOf(const Product& p, const Rows& rows, int64_t height, int64_t k, float* c) {
  Strip strip = {};
  strip.a = rows.a;
  strip.rowStep = rows.rowStep;
  strip.kStep = rows.kStep;
  strip.rows = height;
  strip.k = k;
  strip.c = c;
  strip.ldc = p.rowC;
  return strip;
}

INLINE Rows rowsAt(const Product& p, const float* a, int64_t row, int64_t k) {
  return {a + row * p.rowA + k * p.kA, p.rowA, p.kA};
}

INLINE void prefetchRows(const float* b, int64_t ldb, int64_t rows, int64_t cols) {
  constexpr int kLine = 16, kSecondLevel = 2;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j += kLine) __builtin_prefetch(b + i * ldb + j, 0, kSecondLevel);
}

// All rows of columns [n0, n1) of C, from a B that lies in memory.
template <class Multiply>
INLINE void streamBlock(const Product& p, const GemmGrid& grid, const float* a, const float* b, float* c, int64_t n0,
                        int64_t n1, float* local, Multiply multiply) {
  const int64_t panels = rowPanels(p.m);
  for (int64_t block = 0; block < grid.kBlocks; block++) {
    const int64_t k0 = partBegin(p.k, grid.kBlocks, block), k1 = partBegin(p.k, grid.kBlocks, block + 1);
    Rows rows[kFlatPanels];
    for (int64_t panel = 0; panel < panels; panel++) {
      const int64_t row = partBegin(p.m, panels, panel), height = partBegin(p.m, panels, panel + 1) - row;
      rows[panel] = packRowPanel(rowsAt(p, a, row, k0), height, k1 - k0, local + panel * packedRowFloats(k1 - k0));
    }
    for (int64_t col = n0; col < n1; col += kStreamedCols) {
      const int64_t next = col + kStreamedCols;
      if (next < n1) {
        prefetchRows(b + k0 * p.kB + next, p.kB, k1 - k0, smallest(kStreamedCols, n1 - next));
      } else if (block + 1 < grid.kBlocks) {
        prefetchRows(b + k1 * p.kB + n0, p.kB, partBegin(p.k, grid.kBlocks, block + 2) - k1,
                     smallest(kStreamedCols, n1 - n0));
      }
      for (int64_t panel = 0; panel < panels; panel++) {
        const int64_t row = partBegin(p.m, panels, panel), height = partBegin(p.m, panels, panel + 1) - row;
        Strip strip = stripOf(p, rows[panel], height, k1 - k0, c + row * p.rowC + col);
        strip.b = b + k0 * p.kB + col;
        strip.ldb = p.kB;
        strip.panelStep = kTileCols;
        strip.cols = smallest(kStreamedCols, n1 - col);
        multiply(strip, col, block);
      }
    }
  }
}

// A block of C: row panels [panel0, panel1) of A, columns [n0, n1) of B. `packed` holds the packed columns, or is
// nullptr if they are to be packed here. multiply(strip, column, block) does a strip of C for a block of k.
template <class Multiply>
INLINE void gemmBlock(const Product& p, const GemmGrid& grid, const float* a, const float* b, const float* packed,
                      float* c, int64_t panel0, int64_t panel1, int64_t n0, int64_t n1, float* local,
                      Multiply multiply) {
  const int64_t panels = rowPanels(p.m), split = largest(n0, smallest(n1, grid.inPlace));
  if (grid.streamed) streamBlock(p, grid, a, b, c, n0, split, local, multiply);
  if (grid.streamed && split == n1) return;
  const int64_t longest = ceilDiv(p.k, grid.kBlocks);
  float* packedRows = local + (packed ? 0 : aligned(longest * roundUp(n1 - split, kTileCols)));
  for (int64_t block = 0; block < grid.kBlocks; block++) {
    const int64_t k0 = partBegin(p.k, grid.kBlocks, block), k = partBegin(p.k, grid.kBlocks, block + 1) - k0;
    const float* columns = packed ? packed + k0 * grid.packedCols + (split - grid.inPlace) * k : local;
    for (int64_t col = split; !packed && col < n1; col += kTileCols) {
      packColumnPanel(b + k0 * p.kB + col * p.colB, p.kB, p.colB, k, smallest(kTileCols, n1 - col),
                      local + (col - split) * k);
    }
    for (int64_t panel = panel0; panel < panel1; panel++) {
      const int64_t row = partBegin(p.m, panels, panel), height = partBegin(p.m, panels, panel + 1) - row;
      Rows rows = rowsAt(p, a, row, k0);
      if (!grid.rowsInPlace) rows = packRowPanel(rows, height, k, packedRows);
      Strip strip = stripOf(p, rows, height, k, c + row * p.rowC + n0);
      if (n0 < split && !grid.streamed) {
        strip.b = b + k0 * p.kB + n0;
        strip.ldb = p.kB;
        strip.panelStep = kTileCols;
        strip.cols = split - n0;
        multiply(strip, n0, block);
      }
      strip.c += split - n0;
      strip.b = columns;
      strip.ldb = kTileCols;
      strip.panelStep = k * kTileCols;
      strip.cols = n1 - split;
      multiply(strip, split, block);
    }
  }
}

// Items [begin, end) of all matrices.
template <class Multiply>
INLINE void gemmItems(const Product& p, const GemmGrid& grid, Range range, const float* shared, float* local,
                      Multiply multiply) {
  const int64_t perMatrix = grid.mBlocks * grid.nBlocks;
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t matrix = item / perMatrix, i = item % perMatrix / grid.nBlocks, j = item % grid.nBlocks;
    const float* packed = shared;
    if (packed && p.strideB != 0) packed += matrix * packedPerMatrix(p, grid);
    const int64_t n0 = partBegin(colPanels(p.n), grid.nBlocks, j) * kTileCols;
    const int64_t n1 = smallest(p.n, partBegin(colPanels(p.n), grid.nBlocks, j + 1) * kTileCols);
    const int64_t panel0 = partBegin(rowPanels(p.m), grid.mBlocks, i);
    const int64_t panel1 = partBegin(rowPanels(p.m), grid.mBlocks, i + 1);
    gemmBlock(p, grid, p.a + matrix * p.strideA, p.b + matrix * p.strideB, packed, p.c + matrix * p.m * p.n, panel0,
              panel1, n0, n1, local, multiply);
  }
}

INLINE void dotsItems(const Product& p, const GemmGrid& grid, Range range, const float* shared, float alpha,
                      float beta) {
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t matrix = item / grid.nBlocks, part = item % grid.nBlocks;
    const int64_t begin = partBegin(p.n, grid.nBlocks, part), end = partBegin(p.n, grid.nBlocks, part + 1);
    Dots dots = {};
    dots.x = p.b + matrix * p.strideB + begin * p.colB;
    dots.ldx = p.colB;
    dots.rows = end - begin;
    dots.y = p.a + matrix * p.strideA;
    dots.ldy = p.rowA;
    if (!grid.rowsInPlace) {
      dots.y = shared + (p.strideA == 0 ? 0 : matrix * packedPerMatrix(p, grid));
      dots.ldy = p.k;
    }
    dots.count = p.m;
    dots.k = p.k;
    dots.c = p.c + matrix * p.m * p.n + begin * p.colC;
    dots.rowC = p.colC;
    dots.countC = p.rowC;
    dots.alpha = alpha;
    dots.beta = beta;
    multiplyDots(dots);
  }
}

INLINE void run(const args::gemm& q, int phase, Range range, const Workspace& workspace) {
  const Product p = productOf(q);
  const GemmGrid grid = gridOf(p);
  const float alpha = static_cast<float>(q.alpha), beta = static_cast<float>(q.beta);
  if (grid.packFirst && phase == 0) {
    const int64_t pieces = packPieces(p, grid);
    for (int64_t item = range.begin; item < range.end; item++) {
      const int64_t matrix = item / pieces, piece = item % pieces;
      float* packed = workspace.shared + matrix * packedPerMatrix(p, grid);
      if (grid.dots) {
        const int64_t k0 = piece * kDotsPiece, k1 = smallest(p.k, k0 + kDotsPiece);
        transpose(p.a + matrix * p.strideA + k0 * p.kA, p.kA, k1 - k0, p.m, packed + k0, p.k, k1 - k0);
      } else {
        packPiece(p, grid, p.b + matrix * p.strideB, piece, packed);
      }
    }
    return;
  }
  if (grid.dots) return dotsItems(p, grid, range, workspace.shared, alpha, beta);
  gemmItems(p, grid, range, grid.packFirst ? workspace.shared : nullptr, workspace.local,
            [=](Strip& strip, int64_t, int64_t block) {
              strip.alpha = alpha;
              strip.beta = block == 0 ? beta : 1;
              multiplyStrip(strip);
            });
}

}  // namespace
}  // namespace ISA
