// The threads that runs are carried out on, one set for the process. They are not libuv's, which are for files and names.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "executor/program.h"

namespace executor {

// One asynchronous call of a program. The caller fills in the first part and keeps the buffers until `finished` is called.
struct Run {
  std::shared_ptr<Program> program;
  std::vector<Buffer> inputs, outputs;
  int threads = 1;
  bool profile = false;
  void (*finished)(void* context, Run* run) = nullptr;  // on an executor thread
  void* context = nullptr;
  int64_t id = 0;

  std::atomic<bool> aborted{false};
  const char* error = nullptr;
  std::vector<double> times;
};

// Takes a run over; it starts when as many cores are free as it has threads, in the order of submission.
void submit(std::shared_ptr<Run> run);

}  // namespace executor
