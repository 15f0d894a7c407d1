#include "addon/addon.h"

#include <atomic>
#include <mutex>
#include <string>

#include "executor/region.h"
#include "runtime/dispatch.h"
#include "runtime/memory_pool.h"
#include "runtime/thread_pool.h"

namespace {

// Workspaces belong to the process, V8 counts by environment: one of them, the first, reports for all.
std::atomic<bool> hasReporter{false};

Napi::Value fail(Napi::Env env, const std::string& message) {
  Napi::TypeError error = Napi::TypeError::New(env, message);
  error.Set("code", Napi::String::New(env, "ERR_ARGUMENT"));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Array usableIsas(Napi::Env env) {
  int count;
  const dispatch::Level* levels = dispatch::levels(&count);
  Napi::Array names = Napi::Array::New(env);
  for (int i = 0; i < count; i++) {
    if (levels[i].usable) names.Set(names.Length(), levels[i].name);
  }
  return names;
}

Napi::Value isa(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), dispatch::active().name); }

Napi::Value setIsa(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) return fail(info.Env(), "setIsa: name must be a string");
  const std::string name = info[0].As<Napi::String>();
  if (!dispatch::setActive(name.c_str())) return fail(info.Env(), "setIsa: '" + name + "' cannot run on this machine");
  return info.Env().Undefined();
}

Napi::Value threads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), thread_pool::threads()); }

Napi::Value setThreads(const Napi::CallbackInfo& info) {
  const double threads = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(threads >= 1 && threads <= thread_pool::kMostThreads)) {
    return fail(info.Env(), "setThreads: threads must be from 1 to " + std::to_string(thread_pool::kMostThreads));
  }
  thread_pool::setThreads(static_cast<int>(threads));
  return info.Env().Undefined();
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  Napi::Object usage = Napi::Object::New(info.Env());
  usage.Set("workspaceBytes", static_cast<double>(memory_pool::totalBytes()));
  usage.Set("sessionBytes", static_cast<double>(executor::regionBytes()));
  return usage;
}

Napi::Value alignmentOffset(const Napi::CallbackInfo& info) {
  if (!info[0].IsArrayBuffer()) return fail(info.Env(), "alignmentOffset: buffer must be an ArrayBuffer");
  const uintptr_t address = reinterpret_cast<uintptr_t>(info[0].As<Napi::ArrayBuffer>().Data());
  return Napi::Number::New(info.Env(), static_cast<double>(-address % memory_pool::kAlignment));
}

Napi::Value track(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) return fail(info.Env(), "track: object must be an object");
  const int32_t id = info.Env().GetInstanceData<Environment>()->tracker.track(info.Env(), info[0]);
  return id < 0 ? fail(info.Env(), "track: object cannot be watched") : Napi::Number::New(info.Env(), id);
}

// Mostly there is nothing to tell, and the same empty array tells it without an allocation.
Napi::Value sweep(const Napi::CallbackInfo& info) {
  Environment* environment = info.Env().GetInstanceData<Environment>();
  std::vector<int32_t> ids;
  environment->tracker.collect(info.Env(), &ids);
  if (ids.empty()) return environment->noIds.Value();
  Napi::Int32Array result = Napi::Int32Array::New(info.Env(), ids.size());
  for (size_t i = 0; i < ids.size(); i++) result[i] = ids[i];
  return result;
}

}  // namespace

Environment::Environment(Napi::Env env) : env_(env), noIds(Napi::Persistent(Napi::Int32Array::New(env, 0))) {}

Environment::~Environment() {
  tracker.clear(env_);
  if (reportsMemory_) hasReporter.store(false);
}

void Environment::reportMemory() {
  const int64_t bytes = memory_pool::totalBytes() + executor::regionBytes();
  if (bytes == reportedBytes_) return;
  if (!reportsMemory_) {
    if (hasReporter.load() || hasReporter.exchange(true)) return;
    reportsMemory_ = true;
  }
  int64_t total;
  napi_adjust_external_memory(env_, bytes - reportedBytes_, &total);
  reportedBytes_ = bytes;
}

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment(env));
  exports.Set("kernels", makeKernels(env));
  exports.Set("isas", usableIsas(env));
#if defined(__clang__)
  exports.Set("compiler", __VERSION__);  // "Clang 14.0.6", or Apple's words for it
#else
  exports.Set("compiler", "GCC " __VERSION__);
#endif
  exports.Set("defaultThreads", thread_pool::defaultThreads());
  exports.Set("isa", Napi::Function::New(env, isa, "isa"));
  exports.Set("setIsa", Napi::Function::New(env, setIsa, "setIsa"));
  exports.Set("threads", Napi::Function::New(env, threads, "threads"));
  exports.Set("setThreads", Napi::Function::New(env, setThreads, "setThreads"));
  exports.Set("memory", Napi::Function::New(env, memory, "memory"));
  exports.Set("alignmentOffset", Napi::Function::New(env, alignmentOffset, "alignmentOffset"));
  exports.Set("track", Napi::Function::New(env, track, "track"));
  exports.Set("sweep", Napi::Function::New(env, sweep, "sweep"));
  addPrograms(env, exports);
  return exports;
}

NODE_API_MODULE(convforge, initialize)
