// Which instruction sets this process may use.
#pragma once

// The instruction sets built for this architecture, best first. sources.json names their files and flags.
#if defined(__x86_64__)
#define CONVFORGE_ISAS(ISA) ISA(avx512) ISA(avx2) ISA(baseline)
#elif defined(__aarch64__)
#define CONVFORGE_ISAS(ISA) ISA(neon) ISA(baseline)
#else
#define CONVFORGE_ISAS(ISA) ISA(baseline)
#endif

// One function per instruction set: whether the processor has all of it and the operating system saves its registers.
namespace cpu {
#define ISA(name) bool name();
CONVFORGE_ISAS(ISA)
#undef ISA
}  // namespace cpu
