// Reads the arguments of one kernel call, in order, by the type of the field they go to.
#pragma once
#include <node_api.h>

#include <string>
#include <type_traits>

#include "kernels.h"

class ArgumentReader {
 public:
  static constexpr size_t kMostArguments = 16;

  ArgumentReader(napi_env env, napi_callback_info info, const char* kernel);

  // Stores the next argument. False after a TypeError naming kernel and field has been thrown.
  bool next(const char* field, In* to);
  bool next(const char* field, Out* to);
  bool next(const char* field, InI32* to);
  bool next(const char* field, OutI32* to);
  bool next(const char* field, InU8* to);
  bool next(const char* field, OutU8* to);
  bool next(const char* field, InElements* to);
  bool next(const char* field, OutElements* to);
  bool next(const char* field, double* to);
  bool next(const char* field, int32_t* to);

  // Geometry: an Int32Array with exactly the fields of the struct.
  template <class Geometry>
  bool next(const char* field, Geometry* to) {
    static_assert(std::is_trivially_copyable<Geometry>::value && sizeof(Geometry) % sizeof(int32_t) == 0);
    return nextGeometry(field, reinterpret_cast<int32_t*>(to), sizeof(Geometry) / sizeof(int32_t));
  }

 private:
  // The next argument as a buffer; null and undefined give null data. False if it is something else.
  template <class Buffer>
  bool read(napi_typedarray_type wanted, Buffer* to);
  // The same for a buffer of any kind.
  template <class Buffer>
  bool readElements(Buffer* to);
  bool nextGeometry(const char* field, int32_t* to, int64_t count);
  bool fail(const char* field, const std::string& expected) const;

  const napi_env env_;
  const char* const kernel_;
  size_t index_ = 0;
  napi_value values_[kMostArguments];
};
