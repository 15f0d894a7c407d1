#include "runtime/execute.h"

#include <algorithm>

#include "runtime/float_mode.h"
#include "runtime/memory_pool.h"
#include "runtime/thread_pool.h"

namespace execution {
namespace {

// Work that pays for one more thread. A fork-join costs 0.2 µs awake and some 5 µs of system calls when workers must be
// woken; 32 Ki multiply-adds take 1 µs from cache and 10 µs when they wait for memory, elements moved about as long.
constexpr double kWorkPerThread = 32768;

int threadsFor(double cost, int most) {
  if (!(cost >= 2 * kWorkPerThread)) return 1;
  return static_cast<int>(std::min<double>(most, cost / kWorkPerThread));
}

constexpr int64_t kFloatsPerLine = memory_pool::kAlignment / sizeof(float);

int64_t roundUpToLine(int64_t floats) { return (floats + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine; }

// The memory of one call: the shared part, then one part a thread.
class Scratch {
 public:
  Scratch(int64_t sharedFloats, int64_t localFloats, int threads)
      : sharedFloats_(roundUpToLine(sharedFloats)), localFloats_(roundUpToLine(localFloats)) {
    const int64_t floats = sharedFloats_ + localFloats_ * threads;
    if (floats > 0) block_ = memory_pool::acquire(static_cast<size_t>(floats) * sizeof(float));
    failed_ = floats > 0 && !block_.data;
  }
  ~Scratch() {
    if (block_.data) memory_pool::release(block_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  bool failed() const { return failed_; }
  Workspace of(int thread) const {
    float* start = static_cast<float*>(block_.data);
    return {start, start + sharedFloats_ + localFloats_ * thread};
  }

 private:
  const int64_t sharedFloats_, localFloats_;
  memory_pool::Block block_ = {nullptr, 0};
  bool failed_ = false;
};

struct Phase {
  const Call& call;
  const Scratch& scratch;
  int index;
};

void runRange(const void* context, int thread, Range range) {
  const Phase& phase = *static_cast<const Phase*>(context);
  phase.call.run(phase.call, phase.index, range, phase.scratch.of(thread));
}

}  // namespace

const char* runPhases(const Work& work, const Call& call, int most) {
  const int threads = threadsFor(work.cost, most);
  const Scratch scratch(work.sharedFloats, work.localFloats, threads);
  if (scratch.failed()) return "out of memory for the workspace";
  const FlushDenormals flush;
  for (int index = 0; index < work.phases; index++) {
    const Phase phase = {call, scratch, index};
    thread_pool::parallelFor(work.items[index], work.grain[index], threads, runRange, &phase);
  }
  return nullptr;
}

}  // namespace execution
