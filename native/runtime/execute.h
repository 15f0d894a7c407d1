// Runs one kernel call: plan, workspace, phases.
#pragma once
#include "kernels.h"

namespace execution {

// The phases of a call with the type of its arguments erased, so that one copy of the machinery serves all kernels.
struct Call {
  void (*run)(const Call& call, int phase, Range range, const Workspace& workspace);
  const void* entry;
  const void* arguments;
};

// Returns nullptr, or why the call could not run.
const char* runPhases(const Work& work, const Call& call);

}  // namespace execution

// Returns nullptr when the outputs are written, otherwise why the call was refused; then nothing has been written.
template <class Args>
const char* execute(const KernelEntry<Args>& entry, const Args& arguments) {
  const Work work = entry.plan(arguments);
  if (work.error) return work.error;
  const auto run = [](const execution::Call& call, int phase, Range range, const Workspace& workspace) {
    static_cast<const KernelEntry<Args>*>(call.entry)
        ->run(*static_cast<const Args*>(call.arguments), phase, range, workspace);
  };
  return execution::runPhases(work, {run, &entry, &arguments});
}
