// nonMaxSuppression. A first phase selects boxes in each class of each image, each leaving its results in its own part of
// `selected`; a second one moves them together. Areas and overlaps are computed in double.
#pragma once
#include "kernels/selection.inl"

namespace ISA {
namespace {

// Corners of a box, lower ones first.
struct Box {
  double top, left, bottom, right;
};

INLINE double lower(double p, double q) { return p < q ? p : q; }
INLINE double upper(double p, double q) { return p > q ? p : q; }

INLINE Box boxAt(const float* boxes, int64_t i, bool centered) {
  const double p = static_cast<double>(boxes[4 * i]), q = static_cast<double>(boxes[4 * i + 1]);
  const double r = static_cast<double>(boxes[4 * i + 2]), s = static_cast<double>(boxes[4 * i + 3]);
  if (centered) return {q - s / 2, p - r / 2, q + s / 2, p + r / 2};
  return {lower(p, r), lower(q, s), upper(p, r), upper(q, s)};
}

INLINE bool overlaps(const Box& a, const Box& b, float threshold) {
  const double height = lower(a.bottom, b.bottom) - upper(a.top, b.top);
  const double width = lower(a.right, b.right) - upper(a.left, b.left);
  if (!(height > 0 && width > 0)) return false;
  const double shared = height * width;
  const double areas = (a.bottom - a.top) * (a.right - a.left) + (b.bottom - b.top) * (b.right - b.left);
  return static_cast<float>(shared / (areas - shared)) > threshold;
}

Work plan(const args::nonMaxSuppression& a) {
  const SuppressionGeometry& g = a.g;
  const int64_t pairs = g.most > 0 ? elements(g.n, g.classes) : 0;
  const int64_t room = elements(g.n, g.classes, g.most, 3);
  if (g.most < 0 || g.most > g.spatial) return refuse("nonMaxSuppression: more boxes are wanted than there are");
  if (!holds(a.boxes, elements(g.n, g.spatial, 4))) {
    return refuse("nonMaxSuppression: boxes are shorter than their shape");
  }
  if (!holds(a.scores, elements(g.n, g.classes, g.spatial))) {
    return refuse("nonMaxSuppression: scores are shorter than their shape");
  }
  if (!holds(a.selected, room)) return refuse("nonMaxSuppression: selected is shorter than its shape");
  if (!holds(a.count, 1)) return refuse("nonMaxSuppression: count is missing");
  if (room > INT32_MAX) return refuse("nonMaxSuppression: more boxes than can be counted");
  const double perPair = 4.0 * g.spatial + 0.5 * g.most * g.most;
  Work work = parallel(pairs, grainOf(perPair), static_cast<double>(pairs) * perPair);
  thenParallel(work, 1, 1);
  work.sharedFloats = pairs;
  work.localFloats = pairs > 0 ? g.spatial : 0;
  return work;
}

// Selects boxes of one class of one image and returns how many.
INLINE int32_t selectBoxes(const args::nonMaxSuppression& a, int64_t pair, int32_t* heap) {
  const SuppressionGeometry& g = a.g;
  const int64_t image = pair / g.classes;
  const float* boxes = a.boxes.data + image * g.spatial * 4;
  const float* scores = a.scores.data + pair * g.spatial;
  const float threshold = static_cast<float>(a.iouThreshold);
  const bool centered = g.centered != 0;
  // a heap with the best at the root: often only a few of all candidates are needed in order
  const auto after = [scores](int32_t p, int32_t q) {
    return scores[p] < scores[q] || (scores[p] == scores[q] && p > q);
  };
  int64_t candidates = 0;
  for (int32_t i = 0; i < g.spatial; i++) {
    if (static_cast<double>(scores[i]) > a.scoreThreshold) heap[candidates++] = i;
  }
  for (int64_t i = candidates / 2 - 1; i >= 0; i--) sink(heap, candidates, i, after);
  int32_t* selected = a.selected.data + pair * g.most * 3;
  int32_t kept = 0;
  while (candidates > 0 && kept < g.most) {
    const int32_t best = heap[0];
    heap[0] = heap[--candidates];
    if (candidates > 1) sink(heap, candidates, 0, after);
    const Box box = boxAt(boxes, best, centered);
    bool isNew = true;
    for (int32_t i = 0; isNew && i < kept; i++)
      isNew = !overlaps(boxAt(boxes, selected[3 * i + 2], centered), box, threshold);
    if (!isNew) continue;
    selected[3 * kept] = static_cast<int32_t>(image);
    selected[3 * kept + 1] = static_cast<int32_t>(pair % g.classes);
    selected[3 * kept + 2] = best;
    kept++;
  }
  return kept;
}

void run(const args::nonMaxSuppression& a, int phase, Range range, const Workspace& workspace) {
  int32_t* counts = reinterpret_cast<int32_t*>(workspace.shared);
  if (phase == 0) {
    int32_t* heap = reinterpret_cast<int32_t*>(workspace.local);
    for (int64_t pair = range.begin; pair < range.end; pair++) counts[pair] = selectBoxes(a, pair, heap);
    return;
  }
  const int64_t pairs = a.g.most > 0 ? int64_t{a.g.n} * a.g.classes : 0;
  int32_t* selected = a.selected.data;
  int64_t found = 0;  // numbers moved so far; never ahead of where they come from
  for (int64_t pair = 0; pair < pairs; pair++) {
    const int32_t* own = selected + pair * a.g.most * 3;
    for (int64_t i = 0; i < int64_t{3} * counts[pair]; i++) selected[found++] = own[i];
  }
  a.count.data[0] = static_cast<int32_t>(found / 3);
  for (int64_t i = found; i < pairs * a.g.most * 3; i++) selected[i] = -1;
}

}  // namespace
}  // namespace ISA
