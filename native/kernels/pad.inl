// pad2dForward, pad2dBackward. An item is a row of the result.
#pragma once
#include "kernels/operations.h"
#include "kernels/rows.inl"

namespace ISA {
namespace {

// The input position behind position i - pad of the padded axis, or -1 where the constant goes.
INLINE int64_t sourceOf(int64_t i, int64_t size, int mode) {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : 2 * size - 2 - i;
    case PadMode::replicate: return i < 0 ? 0 : size - 1;
    case PadMode::circular: return i < 0 ? i + size : i - size;
    default: return -1;
  }
}

// nullptr, or why the padding of one axis is refused. What is accepted keeps sourceOf within [-1, size).
INLINE const char* padError(int64_t size, int64_t before, int64_t after, int mode) {
  const int64_t most = largest(before, after);
  if (size < 0 || before < 0 || after < 0) return "pad2d: a size is negative";
  if (mode == PadMode::reflect && most > 0 && most >= size) return "pad2d: reflect needs padding below the size";
  if (mode == PadMode::replicate && most > 0 && size == 0) return "pad2d: there is no edge to replicate";
  if (mode == PadMode::circular && most > size) return "pad2d: circular needs padding of at most the size";
  return nullptr;
}

INLINE const char* padError(const Pad2dGeometry& g) {
  if (g.mode < PadMode::constant || g.mode > PadMode::circular) return "pad2d: no such mode";
  const char* error = padError(g.h, g.padTop, g.padBottom, g.mode);
  return error != nullptr ? error : padError(g.w, g.padLeft, g.padRight, g.mode);
}

// One item a row; without columns nothing has bounded the number of rows.
INLINE Work planRows(int64_t rows, int64_t columns) {
  const double width = static_cast<double>(columns);
  return parallel(columns > 0 ? rows : 0, grainOf(width), static_cast<double>(rows) * width);
}

INLINE int64_t paddedH(const Pad2dGeometry& g) { return int64_t{g.h} + g.padTop + g.padBottom; }
INLINE int64_t paddedW(const Pad2dGeometry& g) { return int64_t{g.w} + g.padLeft + g.padRight; }

Work plan(const args::pad2dForward& a) {
  const char* error = padError(a.g);
  if (error != nullptr) return refuse(error);
  const int64_t rows = elements(a.g.planes, paddedH(a.g));
  if (!holds(a.x, elements(a.g.planes, a.g.h, a.g.w))) return refuse("pad2dForward: x is shorter than its shape");
  if (!holds(a.y, elements(rows, paddedW(a.g)))) return refuse("pad2dForward: y is shorter than its shape");
  return planRows(rows, paddedW(a.g));
}

void run(const args::pad2dForward& a, int, Range range, const Workspace&) {
  const Pad2dGeometry& g = a.g;
  const float value = static_cast<float>(a.value);
  const int64_t rows = paddedH(g), columns = paddedW(g);
  for (int64_t item = range.begin; item < range.end; item++) {
    float* y = a.y.data + item * columns;
    const int64_t row = sourceOf(item % rows - g.padTop, g.h, g.mode);
    if (row < 0) {
      fillRow(y, columns, value);
      continue;
    }
    const float* x = a.x.data + (item / rows * g.h + row) * g.w;
    const auto border = [&](int64_t column) {
      const int64_t source = sourceOf(column - g.padLeft, g.w, g.mode);
      y[column] = source < 0 ? value : x[source];
    };
    for (int64_t column = 0; column < g.padLeft; column++) border(column);
    copyRow(y + g.padLeft, x, g.w);
    for (int64_t column = columns - g.padRight; column < columns; column++) border(column);
  }
}

Work plan(const args::pad2dBackward& a) {
  const char* error = padError(a.g);
  if (error != nullptr) return refuse(error);
  const int64_t rows = elements(a.g.planes, a.g.h);
  if (!holds(a.dy, elements(a.g.planes, paddedH(a.g), paddedW(a.g)))) {
    return refuse("pad2dBackward: dy is shorter than its shape");
  }
  if (!holds(a.dx, elements(rows, a.g.w))) return refuse("pad2dBackward: dx is shorter than its shape");
  return planRows(rows, a.g.w);
}

void run(const args::pad2dBackward& a, int, Range range, const Workspace&) {
  const Pad2dGeometry& g = a.g;
  const int64_t rows = paddedH(g), columns = paddedW(g);
  for (int64_t item = range.begin; item < range.end; item++) {
    const int64_t h = item % g.h;
    const float* dy = a.dy.data + item / g.h * rows * columns;
    float* dx = a.dx.data + item * g.w;
    copyRow(dx, dy + (h + g.padTop) * columns + g.padLeft, g.w);
    if (g.mode == PadMode::constant) continue;
    const auto addBorders = [&](const float* row) {
      for (int64_t column = 0; column < g.padLeft; column++)
        dx[sourceOf(column - g.padLeft, g.w, g.mode)] += row[column];
      for (int64_t column = columns - g.padRight; column < columns; column++)
        dx[sourceOf(column - g.padLeft, g.w, g.mode)] += row[column];
    };
    addBorders(dy + (h + g.padTop) * columns);
    const auto addRowOf = [&](int64_t padded) {
      if (sourceOf(padded - g.padTop, g.h, g.mode) != h) return;
      const float* row = dy + padded * columns;
      addRow(dx, row + g.padLeft, g.w);
      addBorders(row);
    };
    for (int64_t padded = 0; padded < g.padTop; padded++) addRowOf(padded);
    for (int64_t padded = rows - g.padBottom; padded < rows; padded++) addRowOf(padded);
  }
}

}  // namespace
}  // namespace ISA
