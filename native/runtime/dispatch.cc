#include "runtime/dispatch.h"

#include <string.h>

#include <atomic>
#include <mutex>

#include "runtime/cpu.h"

#define ISA(name)              \
  namespace name {             \
  void install(KernelTable*);  \
  }
CONVFORGE_ISAS(ISA)
#undef ISA

namespace dispatch {
namespace {

#define ISA(name) +1
constexpr int kLevels = 0 CONVFORGE_ISAS(ISA);
#undef ISA

Level allLevels[kLevels];
std::once_flag detected;
std::atomic<const Level*> activeLevel{nullptr};

// Every table starts as baseline and is overridden, so a kernel that an instruction set lacks is slow, never missing.
Level makeLevel(const char* name, bool usable, void (*install)(KernelTable*)) {
  Level level = {name, usable, {}};
  baseline::install(&level.table);
  if (usable) install(&level.table);
  return level;
}

void detect() {
  int count = 0;
#define ISA(name) allLevels[count++] = makeLevel(#name, cpu::name(), name::install);
  CONVFORGE_ISAS(ISA)
#undef ISA
  const Level* best = allLevels;
  while (!best->usable) best++;
  activeLevel.store(best, std::memory_order_release);
}

}  // namespace

const Level* levels(int* count) {
  std::call_once(detected, detect);
  *count = kLevels;
  return allLevels;
}

const Level& active() {
  const Level* level = activeLevel.load(std::memory_order_acquire);
  if (!level) {
    std::call_once(detected, detect);
    level = activeLevel.load(std::memory_order_acquire);
  }
  return *level;
}

bool setActive(const char* name) {
  int count;
  const Level* all = levels(&count);
  for (int i = 0; i < count; i++) {
    if (!all[i].usable || strcmp(all[i].name, name) != 0) continue;
    activeLevel.store(&all[i], std::memory_order_release);
    return true;
  }
  return false;
}

}  // namespace dispatch
