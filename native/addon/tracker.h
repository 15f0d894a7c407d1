// Tells which of a set of objects have been garbage collected, without finalizers: those run from the event loop,
// which a synchronous training loop never reaches.
#pragma once
#include <node_api.h>
#include <stdint.h>

#include <vector>

class Tracker {
 public:
  // Watches an object without keeping it alive. Ids are small, and used again after collect() has returned them; -1
  // with a pending exception on failure.
  int32_t track(napi_env env, napi_value object);

  // Appends the ids of the objects collected since the last call.
  void collect(napi_env env, std::vector<int32_t>* ids);

  // Lets go of all references; the environment is ending.
  void clear(napi_env env);

 private:
  bool collectorHasRun(napi_env env);

  std::vector<napi_ref> references_;  // by id; nullptr for a free id
  std::vector<int32_t> freeIds_;
  napi_ref sentinel_ = nullptr;
};
