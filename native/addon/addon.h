// What the files of the addon share. Only this folder knows Node-API; it converts arguments and nothing else.
#pragma once
// A worker_thread that is being ended can neither run JavaScript nor take an exception. Calls into Node-API then fail in
// the middle of loading, and without this the failed throw would abort the process.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS
#include <napi.h>

#include "addon/runs.h"
#include "addon/tracker.h"

// State of one environment: the main thread and every worker_thread that loads the addon has its own. Node destroys it
// when the environment ends.
class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();

  // Tells V8 of workspace memory taken or given back since the last time, so that it counts towards garbage collection.
  void reportMemory();

 private:
  const Napi::Env env_;
  int64_t reportedBytes_ = 0;
  bool reportsMemory_ = false;

 public:
  Tracker tracker;
  Runs runs;
  const Napi::Reference<Napi::Int32Array> noIds;
};

// The JavaScript functions of kernels.inc.
Napi::Object makeKernels(Napi::Env env);

// Adds the functions of programs.cc.
void addPrograms(Napi::Env env, Napi::Object exports);
