// Programs of the executor as JavaScript sees them: handles, and functions that take them.
#include <string>
#include <vector>

#include "addon/addon.h"
#include "executor/executor.h"
#include "executor/program.h"

namespace {

// A handle holds a share of a native object until it is released or collected.
template <class T>
struct Handle {
  std::shared_ptr<T> object;
};

constexpr napi_type_tag kConstantsTag = {0x636f6e766627a90b, 0x01};
constexpr napi_type_tag kProgramTag = {0x636f6e766627a90b, 0x02};

template <class T>
Napi::Value makeHandle(Napi::Env env, const napi_type_tag& tag, std::shared_ptr<T> object) {
  auto external = Napi::External<Handle<T>>::New(env, new Handle<T>{std::move(object)},
                                                 [](Napi::Env, Handle<T>* handle) { delete handle; });
  external.TypeTag(&tag);
  return external;
}

// The object of a handle; nullptr if the value is something else or was released.
template <class T>
std::shared_ptr<T> objectOf(const Napi::Value& value, const napi_type_tag& tag) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<Handle<T>>>();
  return external.CheckTypeTag(&tag) ? external.Data()->object : nullptr;
}

Napi::Value fail(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.ThrowAsJavaScriptException();
  return env.Undefined();
}

Napi::Value refuse(Napi::Env env, const std::string& message) { return fail(env, "ERR_ARGUMENT", message); }

// The bytes of a typed array, or null data if it is none.
executor::Buffer bytesOf(Napi::Env env, napi_value value) {
  static char nothing;
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return {nullptr, 0};
  static constexpr size_t kElementBytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  if (static_cast<size_t>(type) >= sizeof(kElementBytes) / sizeof(kElementBytes[0])) return {nullptr, 0};
  return {length > 0 ? data : &nothing, length * kElementBytes[type]};
}

bool readBuffers(Napi::Env env, const Napi::Value& value, std::vector<executor::Buffer>* to) {
  if (!value.IsArray()) return false;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    to->push_back(bytesOf(env, list.Get(i)));
    if (!to->back().data) return false;
  }
  return true;
}

bool readSizes(const Napi::Value& value, std::vector<double>* to) {
  if (!value.IsArray()) return false;
  const Napi::Array list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value size = list.Get(i);
    if (!size.IsNumber()) return false;
    to->push_back(size.As<Napi::Number>().DoubleValue());
  }
  return true;
}

Napi::Value createConstants(const Napi::CallbackInfo& info) {
  return makeHandle(info.Env(), kConstantsTag, std::make_shared<executor::Constants>());
}

// (constants, bytes) → index of the new region
Napi::Value addConstants(const Napi::CallbackInfo& info) {
  const auto constants = objectOf<executor::Constants>(info[0], kConstantsTag);
  const double bytes = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (!constants || !(bytes >= 1 && bytes < 1e15)) return refuse(info.Env(), "addConstants: needs constants and a size in bytes");
  const int32_t index = constants->add(static_cast<size_t>(bytes));
  if (index < 0) return fail(info.Env(), "ERR_NATIVE", "out of memory for " + std::to_string(static_cast<int64_t>(bytes)) + " bytes of weights");
  return Napi::Number::New(info.Env(), index);
}

// (stream, arena bytes, bytes of inputs, bytes of outputs, tables, constants) → program
Napi::Value createProgram(const Napi::CallbackInfo& info) {
  const auto constants = objectOf<executor::Constants>(info[5], kConstantsTag);
  executor::Program::Layout layout = {};
  layout.tables = bytesOf(info.Env(), info[4]);
  layout.arenaBytes = info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  const executor::Buffer stream = bytesOf(info.Env(), info[0]);
  if (!constants || !stream.data || !layout.tables.data || !(layout.arenaBytes >= 0 && layout.arenaBytes < 1e15) ||
      !readSizes(info[2], &layout.inputBytes) || !readSizes(info[3], &layout.outputBytes)) {
    return refuse(info.Env(), "createProgram: needs a stream, sizes, tables and constants");
  }
  std::string error;
  auto program = executor::Program::create(static_cast<const double*>(stream.data), stream.bytes / sizeof(double),
                                           std::move(layout), constants, &error);
  if (!program) return fail(info.Env(), "ERR_NATIVE", error);
  return makeHandle(info.Env(), kProgramTag, std::move(program));
}

// What start and run have in common: (program, inputs, outputs, threads). nullptr after an exception.
std::shared_ptr<executor::Run> readRun(const Napi::CallbackInfo& info, const char* function) {
  auto run = std::make_shared<executor::Run>();
  run->program = objectOf<executor::Program>(info[0], kProgramTag);
  if (!run->program || !readBuffers(info.Env(), info[1], &run->inputs) || !readBuffers(info.Env(), info[2], &run->outputs) ||
      !info[3].IsNumber()) {
    refuse(info.Env(), std::string(function) + ": needs a program, inputs, outputs and a number of threads");
    return nullptr;
  }
  if (const char* error = run->program->accepts(run->inputs, run->outputs)) {
    refuse(info.Env(), std::string(function) + ": " + error);
    return nullptr;
  }
  run->threads = info[3].As<Napi::Number>().Int32Value();
  return run;
}

// (program, inputs, outputs, threads, profile, id): the end is told to the listener. The caller keeps the arrays alive.
Napi::Value startProgram(const Napi::CallbackInfo& info) {
  std::shared_ptr<executor::Run> run = readRun(info, "startProgram");
  if (!run) return info.Env().Undefined();
  run->profile = info[4].ToBoolean();
  run->id = info[5].IsNumber() ? info[5].As<Napi::Number>().Int64Value() : 0;
  info.Env().GetInstanceData<Environment>()->runs.start(info.Env(), std::move(run));
  return info.Env().Undefined();
}

// (program, inputs, outputs, threads), on this thread
Napi::Value runProgram(const Napi::CallbackInfo& info) {
  const std::shared_ptr<executor::Run> run = readRun(info, "runProgram");
  if (!run) return info.Env().Undefined();
  const executor::Invocation invocation = {run->inputs.data(), run->outputs.data(), run->threads, nullptr, nullptr};
  if (const char* error = run->program->run(invocation)) return fail(info.Env(), "ERR_NATIVE", error);
  return info.Env().Undefined();
}

Napi::Value abortRun(const Napi::CallbackInfo& info) {
  if (info[0].IsNumber()) info.Env().GetInstanceData<Environment>()->runs.abort(info[0].As<Napi::Number>().Int64Value());
  return info.Env().Undefined();
}

Napi::Value onRunsEnded(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<Environment>()->runs.listen(info.Env(), info[0]);
  return info.Env().Undefined();
}

Napi::Value collectRuns(const Napi::CallbackInfo& info) {
  return Napi::Value(info.Env(), info.Env().GetInstanceData<Environment>()->runs.collect(info.Env()));
}

// Gives back what a handle holds, as soon as no run uses it.
Napi::Value release(const Napi::CallbackInfo& info) {
  if (info[0].IsExternal()) {
    const auto program = info[0].As<Napi::External<Handle<executor::Program>>>();
    const auto constants = info[0].As<Napi::External<Handle<executor::Constants>>>();
    if (program.CheckTypeTag(&kProgramTag)) program.Data()->object.reset();
    if (constants.CheckTypeTag(&kConstantsTag)) constants.Data()->object.reset();
  }
  return info.Env().Undefined();
}

Napi::Value signatures(Napi::Env env) {
  Napi::Object kernels = Napi::Object::New(env);
  for (const executor::KernelSignature& signature : executor::kernelSignatures()) {
    Napi::Array fields = Napi::Array::New(env);
    for (const char* field : signature.fields) fields.Set(fields.Length(), field);
    kernels.Set(signature.name, fields);
  }
  return kernels;
}

}  // namespace

void addPrograms(Napi::Env env, Napi::Object exports) {
  exports.Set("signatures", signatures(env));
  exports.Set("createConstants", Napi::Function::New(env, createConstants, "createConstants"));
  exports.Set("addConstants", Napi::Function::New(env, addConstants, "addConstants"));
  exports.Set("createProgram", Napi::Function::New(env, createProgram, "createProgram"));
  exports.Set("startProgram", Napi::Function::New(env, startProgram, "startProgram"));
  exports.Set("runProgram", Napi::Function::New(env, runProgram, "runProgram"));
  exports.Set("abortRun", Napi::Function::New(env, abortRun, "abortRun"));
  exports.Set("onRunsEnded", Napi::Function::New(env, onRunsEnded, "onRunsEnded"));
  exports.Set("collectRuns", Napi::Function::New(env, collectRuns, "collectRuns"));
  exports.Set("release", Napi::Function::New(env, release, "release"));
}
