// The kernel tables of all instruction sets, and which one is in use.
#pragma once
#include "kernels.h"

namespace dispatch {

struct Level {
  const char* name;
  bool usable;
  KernelTable table;
};

// All levels of this build, best first; `count` of them. The last is baseline and always usable.
const Level* levels(int* count);

// The level kernels run on: the best usable one until setActive() says otherwise.
const Level& active();

// Switches every later call of this process to a usable level; false if there is none of that name.
bool setActive(const char* name);

}  // namespace dispatch
