#include "executor/executor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "runtime/thread.h"
#include "runtime/thread_pool.h"

namespace executor {
namespace {

// A thread that has finished a run looks out for the next one this long before it sleeps: waking it would take 25 to
// 40 µs, longer than a small network. The caller's promise takes some 10 to 50 µs to come back with another call.
constexpr std::chrono::microseconds kSpin{100};

struct State {
  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::shared_ptr<Run>> queue;
  std::atomic<int> queued{0};
  int threadsInUse = 0;  // by the runs that have started
  int started = 0;
  int idle = 0;
  int lookingOut = 0;  // awake, and about to take what is in the queue
};

// Leaked: its threads never end, and at exit nothing they use may be destroyed under them.
State& state = *new State;

// The next run that may start now; nullptr if there is none. One that wants more threads than there are starts alone.
std::shared_ptr<Run> take() {
  if (state.queue.empty()) return nullptr;
  const int wanted = state.queue.front()->threads;
  if (state.threadsInUse > 0 && state.threadsInUse + wanted > thread_pool::defaultThreads()) return nullptr;
  std::shared_ptr<Run> run = std::move(state.queue.front());
  state.queue.pop_front();
  state.queued.fetch_sub(1, std::memory_order_relaxed);
  state.threadsInUse += wanted;
  return run;
}

void carryOut(const std::shared_ptr<Run>& run) {
  if (run->aborted.load()) {
    run->error = Program::kAborted;
  } else {
    const Invocation invocation = {run->inputs.data(), run->outputs.data(), run->threads, &run->aborted,
                                   run->profile ? &run->times : nullptr};
    run->error = run->program->run(invocation);
  }
  // A session that was released meanwhile gives its memory back here, before the caller hears of the end.
  run->program.reset();
  {
    std::lock_guard<std::mutex> lock(state.mutex);
    state.threadsInUse -= run->threads;
  }
  // What waited for these cores may start; with one more run in the queue another thread does that.
  if (state.queued.load(std::memory_order_relaxed) > 0) state.work.notify_one();
  run->finished(run->context, run.get());
}

void lookOut() {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  while (state.queued.load(std::memory_order_relaxed) == 0 && std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 32; i++) thread::pause();
  }
}

void* threadMain(void*) {
  std::unique_lock<std::mutex> lock(state.mutex);
  while (true) {
    std::shared_ptr<Run> run;
    state.idle++;
    state.work.wait(lock, [&] { return (run = take()) != nullptr; });
    state.idle--;
    lock.unlock();
    carryOut(run);
    // A run of as many threads as there are cores leaves none to look out on: the caller's thread needs one meanwhile, and
    // a scheduler that puts two of them on one core leaves them there for milliseconds.
    const bool hasCore = run->threads < thread_pool::defaultThreads();
    run.reset();
    lock.lock();
    if (!hasCore) continue;
    state.lookingOut++;
    lock.unlock();
    lookOut();
    lock.lock();
    state.lookingOut--;
  }
  return nullptr;
}

}  // namespace

void submit(std::shared_ptr<Run> run) {
  std::unique_lock<std::mutex> lock(state.mutex);
  run->threads = std::max(1, std::min(run->threads, thread_pool::kMostThreads));
  state.queue.push_back(std::move(run));
  state.queued.fetch_add(1, std::memory_order_relaxed);
  // A thread that is awake looks into the queue before it sleeps, and needs no waking; another one would only take a core.
  const int unattended = static_cast<int>(state.queue.size()) - state.lookingOut;
  if (unattended <= 0) return;
  const int busy = state.started - state.idle;
  if (state.idle == 0 && busy < thread_pool::defaultThreads() && thread::start(threadMain)) state.started++;
  state.work.notify_one();
  if (state.started > 0) return;
  const std::shared_ptr<Run> refused = std::move(state.queue.back());
  state.queue.pop_back();
  state.queued.fetch_sub(1, std::memory_order_relaxed);
  lock.unlock();
  refused->error = "the system starts no thread for it";
  refused->finished(refused->context, refused.get());
}

}  // namespace executor
