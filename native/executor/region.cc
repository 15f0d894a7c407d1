#include "executor/region.h"

#include <sys/mman.h>

#include <atomic>
#include <utility>

namespace executor {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

std::atomic<int64_t> total{0};

}  // namespace

Region::Region(size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX / 4) return;
  // Address space up to the next boundary of a huge page; pages that are not touched cost nothing.
  const bool huge = bytes >= 2 * kHugePage;
  mapped_ = huge ? bytes + kHugePage : bytes;
  void* mapping = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return;
  mapping_ = mapping;
  bytes_ = bytes;
  data_ = static_cast<char*>(mapping);
  if (huge) {
    data_ += -reinterpret_cast<uintptr_t>(mapping) % kHugePage;
#if defined(MADV_HUGEPAGE)
    madvise(data_, bytes, MADV_HUGEPAGE);
#endif
  }
  total.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

Region::Region(Region&& other) noexcept { *this = std::move(other); }

Region& Region::operator=(Region&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapped_, other.mapped_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Region::~Region() {
  if (!mapping_) return;
  munmap(mapping_, mapped_);
  total.fetch_sub(static_cast<int64_t>(bytes_), std::memory_order_relaxed);
}

int64_t regionBytes() { return total.load(std::memory_order_relaxed); }

}  // namespace executor
