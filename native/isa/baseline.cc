#define ISA baseline
#include "simd/baseline.h"
#include "kernels/all.inl"
