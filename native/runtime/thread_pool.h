// One fork-join pool for the whole process. The calling thread is worker 0.
#pragma once
#include <stdint.h>

#include "kernels.h"

namespace thread_pool {

constexpr int kMostThreads = 1024;

// Threads a call may use, from 1 to kMostThreads; at first defaultThreads().
int threads();
void setThreads(int threads);

// Lets the processor rest for a moment in a loop that waits for another thread.
void pause();

// Keeps the library loaded for good. Node unloads an addon when the last environment that loaded it ends, a worker_thread
// say, and threads of the library go on in its code; whoever starts one calls this first.
void pinLibrary();

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
