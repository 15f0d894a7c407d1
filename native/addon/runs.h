// The runs of one environment: what it has started, and how their ends get back to its event loop.
#pragma once
#include <node_api.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "executor/executor.h"

class Runs {
 public:
  // Calls `callback` on the event loop with an array of [id, error or null, times or null] for every run that has ended.
  // False after an exception has been thrown.
  bool listen(napi_env env, napi_value callback);

  void start(napi_env env, std::shared_ptr<executor::Run> run);
  void abort(int64_t id);

  // Takes the runs that have ended since the last call, as `listen` describes.
  napi_value collect(napi_env env);

  // Stops all runs and waits for the instruction that each is at. Nothing of the environment is used after that.
  void close();

 private:
  static void finished(void* context, executor::Run* run);
  static void deliver(napi_env env, napi_value callback, void* context, void* data);

  std::mutex mutex_;
  std::condition_variable none_;
  std::unordered_map<int64_t, std::shared_ptr<executor::Run>> running_;
  std::vector<std::shared_ptr<executor::Run>> ended_;
  napi_threadsafe_function wake_ = nullptr;
  size_t pending_ = 0;  // started and not collected; known to the event loop's thread only
};
