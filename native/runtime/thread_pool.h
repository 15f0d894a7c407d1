// One fork-join pool for the whole process. The calling thread is worker 0.
#pragma once
#include <stdint.h>

#include "kernels.h"

namespace thread_pool {

constexpr int kMostThreads = 1024;

// Threads a call may use, from 1 to kMostThreads; at first defaultThreads().
int threads();
void setThreads(int threads);

// What this machine, this process's affinity mask and its control group allow; worked out once.
int defaultThreads();

// Calls `body` for the items [0, items) in contiguous ranges of at least `grain`, on at most `most` threads and
// returns when all are done. `thread` is below `most` and no two calls running at once share it.
//
// When the pool is busy, with a call of another thread or the one this call is nested in, the caller does everything:
// waiting would only swap one thread's idle time for another's.
using Body = void (*)(const void* context, int thread, Range range);
void parallelFor(int64_t items, int64_t grain, int most, Body body, const void* context);

}  // namespace thread_pool
