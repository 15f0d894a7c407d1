// Expands the kernel list to argument structs and to the table of function pointers that each ISA fills.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/geometry.h"

// A buffer with its length in elements; data is nullptr when the caller passed null.
struct In {
  const float* data;
  int64_t size;
};
struct Out {
  float* data;
  int64_t size;
};
using InOut = Out;
struct InI32 {
  const int32_t* data;
  int64_t size;
};
struct OutI32 {
  int32_t* data;
  int64_t size;
};
struct InU8 {
  const uint8_t* data;
  int64_t size;
};
struct OutU8 {
  uint8_t* data;
  int64_t size;
};

// What a buffer of any kind holds, in the order of the names that JavaScript gives these dtypes.
namespace ElementKind {
enum { float32, int32, uint8 };
}

// A buffer of any kind, for kernels that move elements or treat each kind by itself.
struct InElements {
  const void* data;
  int64_t size;
  int32_t kind;
};
struct OutElements {
  void* data;
  int64_t size;
  int32_t kind;
};
using InOutElements = OutElements;

// The items [begin, end) of a phase that one call works on.
struct Range {
  int64_t begin, end;
};

// Scratch memory, 64-byte aligned, contents undefined: `shared` is one block for all threads and phases of a call,
// `local` belongs to the calling thread alone (and keeps nothing between two calls).
struct Workspace {
  float* shared;
  float* local;
};

constexpr int kMaxPhases = 5;

// What a call amounts to, worked out before it runs. It depends on the arguments only, never on the number of threads.
// Phases run one after another; the items of a phase are independent, write disjoint outputs, and are handed out in
// contiguous ranges of at least `grain`. A phase without items is skipped.
struct Work {
  const char* error;        // nullptr, or why the arguments are refused (a buffer too short)
  int32_t phases;           // 1 .. kMaxPhases
  int64_t items[kMaxPhases];
  int64_t grain[kMaxPhases];
  int64_t sharedFloats;     // size of Workspace.shared
  int64_t localFloats;      // size of each Workspace.local
  double cost;              // multiply-adds, or elements moved: decides whether threads are worth waking
};

namespace args {
#define FIELD(type, name) type name;
#define KERNEL(name, fields) \
  struct name {              \
    fields                   \
  };
#include "kernels.inc"
#undef KERNEL
#undef FIELD
}  // namespace args

// Each ISA provides plan(const args::X&) and run(const args::X&, int phase, Range, const Workspace&) for every row.
template <class Args>
struct KernelEntry {
  Work (*plan)(const Args&);
  void (*run)(const Args&, int phase, Range, const Workspace&);
};

struct KernelTable {
#define FIELD(type, name)
#define KERNEL(name, fields) KernelEntry<args::name> name;
#include "kernels.inc"
#undef KERNEL
#undef FIELD
};
