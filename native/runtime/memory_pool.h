// Workspace memory: 64-byte aligned blocks that are kept and handed out again.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace memory_pool {

constexpr size_t kAlignment = 64;  // a cache line, and one AVX-512 vector

struct Block {
  void* data;  // nullptr: out of memory
  size_t bytes;
};

// A block of at least `bytes` bytes with undefined contents.
Block acquire(size_t bytes);
void release(Block block);

// Bytes taken from the system: blocks in use and blocks kept.
int64_t totalBytes();

}  // namespace memory_pool
