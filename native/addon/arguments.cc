#include "addon/arguments.h"

#include <string.h>

namespace {

// Stands for the memory of an empty array, whose own address may be null: null data means that null was passed.
alignas(64) char emptyArray[64];

}  // namespace

ArgumentReader::ArgumentReader(napi_env env, napi_callback_info info, const char* kernel) : env_(env), kernel_(kernel) {
  // Missing arguments arrive as undefined.
  size_t count = kMostArguments;
  napi_get_cb_info(env, info, &count, values_, nullptr, nullptr);
}

bool ArgumentReader::fail(const char* field, const std::string& expected) const {
  const std::string message = std::string(kernel_) + ": " + field + " must be " + expected;
  napi_throw_type_error(env_, "ERR_ARGUMENT", message.c_str());
  return false;
}

// A detached array has length 0, and plan() refuses it where elements are wanted. Nothing between here and the end of
// the kernel runs JavaScript, so pointer and length stay true.
template <class Buffer>
bool ArgumentReader::read(napi_typedarray_type wanted, Buffer* to) {
  const napi_value value = values_[index_++];
  *to = {nullptr, 0};
  napi_typedarray_type actual;
  size_t length;
  void* data;
  if (napi_get_typedarray_info(env_, value, &actual, &length, &data, nullptr, nullptr) != napi_ok) {
    napi_valuetype type;
    return napi_typeof(env_, value, &type) == napi_ok && (type == napi_null || type == napi_undefined);
  }
  if (actual != wanted) return false;
  using Pointer = decltype(to->data);
  *to = {static_cast<Pointer>(length > 0 ? data : emptyArray), static_cast<int64_t>(length)};
  return true;
}

template <class Buffer>
bool ArgumentReader::readElements(Buffer* to) {
  static const napi_typedarray_type kinds[] = {napi_float32_array, napi_int32_array, napi_uint8_array};
  napi_typedarray_type actual = napi_float32_array;
  napi_get_typedarray_info(env_, values_[index_], &actual, nullptr, nullptr, nullptr, nullptr);
  for (const int32_t kind : {ElementKind::float32, ElementKind::int32, ElementKind::uint8}) {
    if (actual != kinds[kind]) continue;
    struct {
      decltype(to->data) data;
      int64_t size;
    } buffer;
    if (!read(actual, &buffer)) return false;
    *to = {buffer.data, buffer.size, kind};
    return true;
  }
  return false;
}

bool ArgumentReader::next(const char* field, In* to) {
  return read(napi_float32_array, to) || fail(field, "a Float32Array or null");
}
bool ArgumentReader::next(const char* field, Out* to) {
  return read(napi_float32_array, to) || fail(field, "a Float32Array or null");
}
bool ArgumentReader::next(const char* field, InI32* to) {
  return read(napi_int32_array, to) || fail(field, "an Int32Array");
}
bool ArgumentReader::next(const char* field, OutI32* to) {
  return read(napi_int32_array, to) || fail(field, "an Int32Array");
}
bool ArgumentReader::next(const char* field, InU8* to) {
  return read(napi_uint8_array, to) || fail(field, "a Uint8Array");
}
bool ArgumentReader::next(const char* field, OutU8* to) {
  return read(napi_uint8_array, to) || fail(field, "a Uint8Array");
}

bool ArgumentReader::next(const char* field, InElements* to) {
  return readElements(to) || fail(field, "a Float32Array, an Int32Array or a Uint8Array");
}
bool ArgumentReader::next(const char* field, OutElements* to) {
  return readElements(to) || fail(field, "a Float32Array, an Int32Array or a Uint8Array");
}

bool ArgumentReader::next(const char* field, double* to) {
  return napi_get_value_double(env_, values_[index_++], to) == napi_ok || fail(field, "a number");
}

bool ArgumentReader::next(const char* field, int32_t* to) {
  return napi_get_value_int32(env_, values_[index_++], to) == napi_ok || fail(field, "a number");
}

bool ArgumentReader::nextGeometry(const char* field, int32_t* to, int64_t count) {
  InI32 array;
  if (!read(napi_int32_array, &array) || !array.data || array.size != count) {
    return fail(field, "an Int32Array of " + std::to_string(count) + " elements");
  }
  memcpy(to, array.data, static_cast<size_t>(count) * sizeof(int32_t));
  return true;
}
