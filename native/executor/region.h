// Memory of a session: weights, or the activations of one run. It comes from the system and goes back to it at once, and
// large regions are in huge pages, of which 100 MB of weights need 50 entries of the TLB instead of 25,000.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace executor {

class Region {
 public:
  Region() = default;
  explicit Region(size_t bytes);
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  ~Region();

  // nullptr: out of memory, or of no size. Aligned to a cache line at least; filled with zeros.
  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void* mapping_ = nullptr;
  size_t mapped_ = 0;
  char* data_ = nullptr;
  size_t bytes_ = 0;
};

// Bytes of all regions there are.
int64_t regionBytes();

}  // namespace executor
