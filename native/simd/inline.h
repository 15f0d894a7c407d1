// What every vector wrapper needs before its own types.
//
// A wrapper defines, inside `namespace ISA { namespace {`, the same names on every instruction set:
//   V, M, I                      vector of float, mask of its lanes, vector of as many int32; kWidth = the lane count
//   load, store                  unaligned
//   loadPartial, storePartial    the first n <= kWidth lanes, the others being 0, and no access behind them
//   firstLanes(n)                the mask of the lanes below n <= kWidth
//   loadMask, storeMask          kWidth bytes: any nonzero byte is true, true is stored as 1
//   loadBytes, storeBytes        kWidth bytes as the floats 0 .. 255, whole numbers
//   set1, zero, iota             iota() = 0, 1, 2, ...
//   add sub mul div sqrt abs neg copySign round fmadd fnmadd
//   fmaddLower                   fmadd of the lower half of the lanes; what the upper ones hold does not matter
//   max, min                     the second operand if the two are unordered, as in x86: whose NaN counts comes last
//   less lessEqual equal isNan both either invert any select
//   scalePow2, exponentOf, mantissaOf    the pieces of exp and log
//   evens, odds, zipLow, zipHigh         split and join lanes of two vectors
//   permute(v, lanes)                    lane i is v[lanes[i]], 0 <= lanes[i] < kWidth
//   shiftIn<n>                           the lanes from n on of one vector, then those of another
//   reduceAdd, reduceMax, reduceMin      over the lanes, always in the same order
#pragma once
#include <stddef.h>
#include <stdint.h>

// The wrappers vanish only if each call is inlined, whatever the optimiser thinks of the caller's size.
#define INLINE static inline __attribute__((always_inline))
