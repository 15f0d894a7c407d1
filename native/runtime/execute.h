// Runs one kernel call: plan, workspace, phases.
#pragma once
#include "kernels.h"
#include "runtime/thread_pool.h"

namespace execution {

// The phases of a call with the type of its arguments erased, so that one copy of the machinery serves all kernels.
struct Call {
  void (*run)(const Call& call, int phase, Range range, const Workspace& workspace);
  const void* entry;
  const void* arguments;
};

// Returns nullptr, or why the call could not run. At most `most` threads work on it.
const char* runPhases(const Work& work, const Call& call, int most);

}  // namespace execution

// Carries out a call that plan() has agreed to. Returns nullptr, or why it could not run.
template <class Args>
const char* executePlanned(const KernelEntry<Args>& entry, const Work& work, const Args& arguments, int most) {
  const auto run = [](const execution::Call& call, int phase, Range range, const Workspace& workspace) {
    static_cast<const KernelEntry<Args>*>(call.entry)
        ->run(*static_cast<const Args*>(call.arguments), phase, range, workspace);
  };
  return execution::runPhases(work, {run, &entry, &arguments}, most);
}

// Returns nullptr when the outputs are written, otherwise why the call was refused; then nothing has been written.
template <class Args>
const char* execute(const KernelEntry<Args>& entry, const Args& arguments) {
  const Work work = entry.plan(arguments);
  return work.error ? work.error : executePlanned(entry, work, arguments, thread_pool::threads());
}
