#include "runtime/memory_pool.h"

#include <stdlib.h>

#include <atomic>
#include <mutex>

#if defined(__SANITIZE_ADDRESS__)
#define CONVFORGE_KEEP_BLOCKS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONVFORGE_KEEP_BLOCKS false
#endif
#endif
#ifndef CONVFORGE_KEEP_BLOCKS
#define CONVFORGE_KEEP_BLOCKS true
#endif

namespace memory_pool {
namespace {

// Under the address sanitizer every block is fresh and exactly as long as asked for, so that it sees a write past the
// end and a use after release.
constexpr bool kKeepBlocks = CONVFORGE_KEEP_BLOCKS;

constexpr size_t kSmallestBytes = 4096;
// Blocks kept for reuse. A fresh page costs about 0.15 ms per MiB to zero, so a training step must find all of its
// workspaces here; the largest single one known (columns of a VGG layer) is about 115 MB.
constexpr size_t kMostKeptBytes = size_t{256} << 20;

// Four classes per power of two waste at most a quarter and let requests of similar size share blocks.
constexpr int kClasses = 4 * 64;

struct FreeBlock {
  FreeBlock* next;
};

struct State {
  std::mutex mutex;
  FreeBlock* freeBlocks[kClasses] = {};
  size_t keptBytes = 0;
};

// Never destroyed: a worker_thread may still be running when the process exits.
State& state = *new State;
std::atomic<int64_t> systemBytes{0};

// Class of a request; rounds `bytes` up to the size of the class.
int classOf(size_t* bytes) {
  if (*bytes < kSmallestBytes) *bytes = kSmallestBytes;
  const int power = 63 - __builtin_clzll(*bytes);
  const size_t step = size_t{1} << (power - 2);
  *bytes = (*bytes + step - 1) / step * step;
  const int rounded = 63 - __builtin_clzll(*bytes);
  return 4 * rounded + static_cast<int>(*bytes >> (rounded - 2) & 3);
}

void giveBack(void* data, size_t bytes) {
  free(data);
  systemBytes.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

size_t sizeOfClass(int index) { return static_cast<size_t>(4 + index % 4) << (index / 4 - 2); }

void giveBackAllKept() {
  for (int index = 0; index < kClasses; index++) {
    while (FreeBlock* block = state.freeBlocks[index]) {
      state.freeBlocks[index] = block->next;
      giveBack(block, sizeOfClass(index));
    }
  }
  state.keptBytes = 0;
}

Block fromSystem(size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, bytes) != 0) return {nullptr, 0};
  systemBytes.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  return {data, bytes};
}

}  // namespace

Block acquire(size_t bytes) {
  if (bytes > SIZE_MAX / 4) return {nullptr, 0};
  if (!kKeepBlocks) return fromSystem(bytes);
  const int index = classOf(&bytes);
  {
    std::lock_guard<std::mutex> lock(state.mutex);
    if (FreeBlock* block = state.freeBlocks[index]) {
      state.freeBlocks[index] = block->next;
      state.keptBytes -= bytes;
      return {block, bytes};
    }
  }
  return fromSystem(bytes);
}

void release(Block block) {
  if (!block.data) return;
  if (!kKeepBlocks || block.bytes > kMostKeptBytes) return giveBack(block.data, block.bytes);
  std::lock_guard<std::mutex> lock(state.mutex);
  // What is kept no longer fits what is asked for: start afresh rather than guess which blocks will be wanted.
  if (state.keptBytes + block.bytes > kMostKeptBytes) giveBackAllKept();
  size_t bytes = block.bytes;
  const int index = classOf(&bytes);
  FreeBlock* kept = static_cast<FreeBlock*>(block.data);
  kept->next = state.freeBlocks[index];
  state.freeBlocks[index] = kept;
  state.keptBytes += block.bytes;
}

int64_t totalBytes() { return systemBytes.load(std::memory_order_relaxed); }

}  // namespace memory_pool
