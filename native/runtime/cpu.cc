#include "runtime/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace cpu {

bool baseline() { return true; }

#if defined(__x86_64__)

namespace {

constexpr unsigned kOsxsave = 1u << 27, kFma = 1u << 12;                      // CPUID 1, ecx
constexpr unsigned kAvx2 = 1u << 5, kAvx512F = 1u << 16, kAvx512DQ = 1u << 17;  // CPUID 7, ebx
constexpr unsigned kAvx512BW = 1u << 30, kAvx512VL = 1u << 31;
constexpr unsigned kYmmState = 0x06, kZmmState = 0xe6;                        // XCR0: registers the system saves

struct Features {
  unsigned leaf1Ecx = 0, leaf7Ebx = 0, savedState = 0;
};

Features detect() {
  Features found;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return found;
  found.leaf1Ecx = ecx;
  if (ecx & kOsxsave) {
    unsigned high;
    __asm__("xgetbv" : "=a"(found.savedState), "=d"(high) : "c"(0));
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) found.leaf7Ebx = ebx;
  return found;
}

bool all(unsigned bits, unsigned wanted) { return (bits & wanted) == wanted; }

}  // namespace

bool avx2() {
  const Features found = detect();
  return all(found.savedState, kYmmState) && all(found.leaf1Ecx, kFma) && all(found.leaf7Ebx, kAvx2);
}

bool avx512() {
  return avx2() && all(detect().savedState, kZmmState) &&
         all(detect().leaf7Ebx, kAvx512F | kAvx512DQ | kAvx512BW | kAvx512VL);
}

#elif defined(__aarch64__)

// Part of every AArch64 processor that runs a general-purpose operating system.
bool neon() { return true; }

#endif

}  // namespace cpu
