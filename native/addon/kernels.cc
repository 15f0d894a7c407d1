#include "addon/addon.h"
#include "addon/arguments.h"
#include "kernels.h"
#include "runtime/dispatch.h"
#include "runtime/execute.h"

#include <string>

namespace {

napi_value finish(napi_env env, const char* kernel, const char* error) {
  Napi::Env(env).GetInstanceData<Environment>()->reportMemory();
  if (error) {
    // plan() names its kernel, the executor does not know it
    const std::string message = error;
    const std::string prefix = std::string(kernel) + ": ";
    const bool named = message.compare(0, prefix.size(), prefix) == 0;
    napi_throw_error(env, "ERR_NATIVE", (named ? message : prefix + message).c_str());
  }
  return nullptr;
}

// One function per kernel: its fields are read in order, the call is executed, a refusal becomes an exception.
#define FIELD(type, name) &&reader.next(#name, &arguments.name)
#define KERNEL(name, fields)                                                                       \
  napi_value name(napi_env env, napi_callback_info info) {                                         \
    args::name arguments;                                                                          \
    ArgumentReader reader(env, info, #name);                                                       \
    if (!(true fields)) return nullptr;                                                            \
    return finish(env, #name, execute(dispatch::active().table.name, arguments));                  \
  }
namespace calls {
#include "kernels.inc"
}
#undef KERNEL
#undef FIELD

#define FIELD(type, name) +1
#define KERNEL(name, fields) static_assert(0 fields <= ArgumentReader::kMostArguments, #name " has too many fields");
#include "kernels.inc"
#undef KERNEL
#undef FIELD

}  // namespace

Napi::Object makeKernels(Napi::Env env) {
  Napi::Object kernels = Napi::Object::New(env);
#define FIELD(type, name)
#define KERNEL(name, fields)                                                                       \
  {                                                                                                \
    napi_value function;                                                                           \
    if (napi_create_function(env, #name, NAPI_AUTO_LENGTH, calls::name, nullptr, &function) == napi_ok) { \
      kernels.Set(#name, Napi::Value(env, function));                                              \
    }                                                                                              \
  }
#include "kernels.inc"
#undef KERNEL
#undef FIELD
  return kernels;
}
