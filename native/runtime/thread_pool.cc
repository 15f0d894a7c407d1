#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "runtime/cores.h"
#include "runtime/float_mode.h"
#include "runtime/thread.h"

namespace thread_pool {
namespace {

// Waking a sleeping thread takes 25 to 40 µs, noticing a change while spinning 0.1 µs. The gap between two kernels of a
// network is a few µs of JavaScript, so a worker that spins this long is still awake for the next one. Bounded by time:
// the same count of pause instructions lasts ten times longer on one processor than on another.
constexpr std::chrono::microseconds kSpin{50};

// Ranges per thread. With one each, the join waits for the slowest core; with four, a core that loses half of its time
// to a neighbour delays it by an eighth.
constexpr int kRangesPerThread = 4;

// Two lines, because processors prefetch lines in pairs.
constexpr size_t kLine = 128;

// Spins until `done` or until kSpin has passed; whether it is done.
template <class Done>
bool spin(Done done) {
  constexpr int kChecksPerClockReading = 32;  // reading the clock takes 20 ns or more
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kChecksPerClockReading; i++) {
      if (done()) return true;
      thread::pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

struct Job {
  Body body;
  const void* context;
  int64_t items, length, ranges;  // range i is [i * length, (i + 1) * length), the last one to the end
  int most;
};

// A job is announced, joined and closed through one word:  epoch (32) | seats left (16) | workers inside (16).
//
// A worker joins by taking a seat: one compare-and-swap that fails once the job is closed, so nobody waits for
// workers that are late or asleep. The caller closes the job by removing the seats, then waits until nobody is
// inside. Only then may `job`, and the context it points to, go away.
constexpr uint64_t kInside = 0xffff, kOneSeat = 0x10000, kSeats = 0xffff0000;
constexpr int kEpochShift = 32;

uint64_t epochOf(uint64_t state) { return state >> kEpochShift; }

struct Pool {
  alignas(kLine) std::atomic<uint64_t> state{0};
  alignas(kLine) std::atomic<int64_t> nextRange{0};
  alignas(kLine) Job job{};

  alignas(kLine) std::atomic<bool> busy{false};
  std::atomic<int> threads{0};  // 0: defaultThreads()
  int workers = 0;              // started so far; guarded by busy

  std::mutex mutex;
  std::condition_variable work, done;
  std::atomic<int> sleepers{0};
  std::atomic<bool> callerSleeps{false};
};

// Leaked on purpose: workers never end, and at exit nothing they use may be destroyed under them.
Pool& pool = *new Pool;

void runRanges(const Job& job, int thread) {
  while (true) {
    const int64_t i = pool.nextRange.fetch_add(1, std::memory_order_relaxed);
    if (i >= job.ranges) return;
    const int64_t begin = i * job.length;
    job.body(job.context, thread, {begin, i + 1 == job.ranges ? job.items : begin + job.length});
  }
}

// Takes a seat in the job of `state` and works on it, if there is one left.
void join(uint64_t state) {
  while (state & kSeats) {
    if (!pool.state.compare_exchange_weak(state, state - kOneSeat + 1, std::memory_order_acq_rel)) continue;
    runRanges(pool.job, static_cast<int>((state & kSeats) / kOneSeat));
    if ((pool.state.fetch_sub(1, std::memory_order_seq_cst) & kInside) == 1 && pool.callerSleeps.load()) {
      std::lock_guard<std::mutex> lock(pool.mutex);
      pool.done.notify_one();
    }
    return;
  }
}

void* workerMain(void*) {
  const FlushDenormals flush;
  uint64_t seen = 0;
  while (true) {
    const auto hasNews = [&] { return epochOf(pool.state.load(std::memory_order_acquire)) != seen; };
    if (!spin(hasNews)) {
      std::unique_lock<std::mutex> lock(pool.mutex);
      // Sequentially consistent with announce(): either it sees this sleeper, or we see its epoch.
      pool.sleepers.fetch_add(1);
      pool.work.wait(lock, [&] { return epochOf(pool.state.load()) != seen; });
      pool.sleepers.fetch_sub(1);
    }
    const uint64_t state = pool.state.load(std::memory_order_acquire);
    seen = epochOf(state);
    join(state);
  }
  return nullptr;
}

// Starts workers up to `wanted`; fewer if the system refuses, which costs speed only.
void startWorkers(int wanted) {
  while (pool.workers < wanted && thread::start(workerMain)) pool.workers++;
}

void announce(const Job& job) {
  pool.job = job;
  pool.nextRange.store(0, std::memory_order_relaxed);
  const uint64_t epoch = epochOf(pool.state.load(std::memory_order_relaxed)) + 1;
  pool.state.store(epoch << kEpochShift | static_cast<uint64_t>(job.most - 1) * kOneSeat);
  if (pool.sleepers.load() == 0) return;
  std::lock_guard<std::mutex> lock(pool.mutex);
  const int sleepers = pool.sleepers.load();
  for (int i = 0; i < std::min(sleepers, job.most - 1); i++) pool.work.notify_one();
}

void close() {
  pool.state.fetch_and(~kSeats, std::memory_order_acq_rel);
  const auto empty = [] { return (pool.state.load() & kInside) == 0; };
  if (spin(empty)) return;
  std::unique_lock<std::mutex> lock(pool.mutex);
  pool.callerSleeps.store(true);
  pool.done.wait(lock, empty);
  pool.callerSleeps.store(false);
}

}  // namespace

int defaultThreads() {
  static const int cores = std::min(usableCores(), kMostThreads);
  return cores;
}

int threads() {
  const int threads = pool.threads.load(std::memory_order_relaxed);
  return threads > 0 ? threads : defaultThreads();
}

void setThreads(int threads) {
  pool.threads.store(std::min(std::max(threads, 1), kMostThreads), std::memory_order_relaxed);
}

void parallelFor(int64_t items, int64_t grain, int most, Body body, const void* context) {
  if (items <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  const int64_t grains = items / grain;
  if (most <= 1 || grains <= 1 || pool.busy.exchange(true, std::memory_order_acquire)) {
    return body(context, 0, {0, items});
  }
  // Ranges are whole grains; what is left over goes to the last one, which is then longer rather than too short.
  const int64_t target = static_cast<int64_t>(most) * kRangesPerThread;
  const int64_t grainsPerRange = (grains + target - 1) / target;
  const int64_t ranges = (grains + grainsPerRange - 1) / grainsPerRange;
  const int participants = static_cast<int>(std::min<int64_t>(most, ranges));
  startWorkers(participants - 1);
  const Job job = {body, context, items, grainsPerRange * grain, ranges, participants};
  announce(job);
  runRanges(job, 0);
  close();
  pool.busy.store(false, std::memory_order_release);
}

}  // namespace thread_pool
