// A planned graph: kernel calls in order, their buffers named by place. Made once for a set of input shapes, then run any
// number of times, at once too.
#pragma once
#include <stdint.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "executor/region.h"
#include "runtime/dispatch.h"
#include "runtime/execute.h"

namespace executor {

// Where a buffer of an instruction lies. `nowhere` is null.
enum class Space : int32_t { nowhere = -1, arena, constants, inputs, outputs, tables };

// Memory that programs of one session share: weights in the form their kernels read. Regions are only ever added.
class Constants {
 public:
  // The index of a new region, or -1 when there is no memory.
  int32_t add(size_t bytes);
  // nullptr unless `bytes` bytes from `offset` lie within the region.
  char* at(int32_t region, double offset, double bytes) const;

 private:
  std::vector<Region> regions_;
};

// A buffer that the caller lends for a run.
struct Buffer {
  void* data;
  size_t bytes;
};

// What a program is told of a run.
struct Invocation {
  const Buffer* inputs;
  const Buffer* outputs;
  int threads;
  const std::atomic<bool>* aborted;  // looked at between instructions; may be nullptr
  std::vector<double>* times;        // if not nullptr, microseconds on a steady clock before each instruction and at the end
};

class Program {
 public:
  struct Layout {
    double arenaBytes;
    std::vector<double> inputBytes, outputBytes;
    Buffer tables;  // small constants of this program alone, which are copied
  };

  // `stream` is the flat list of instructions that lib/graph/program.ts writes. Returns nullptr and sets `error` when it
  // does not describe calls that stay within the memory they name. Kernels are those of the active instruction set, for
  // good: packed weights belong to it.
  static std::shared_ptr<Program> create(const double* stream, size_t length, Layout layout,
                                         std::shared_ptr<Constants> constants, std::string* error);

  // nullptr, or why buffers do not fit.
  const char* accepts(const std::vector<Buffer>& inputs, const std::vector<Buffer>& outputs) const;

  // Runs on the calling thread and, where it pays, on those of the pool. nullptr, kAborted, or what went wrong.
  const char* run(const Invocation& invocation);

  static const char* const kAborted;

 private:
  struct Instruction;
  struct Operand;
  struct Source;
  class Decoder;
  // What one run needs for itself. Kept for the next.
  struct Slot {
    Region arena;
    std::vector<uint64_t> arguments;
  };

  std::unique_ptr<Slot> takeSlot();
  void bind(Slot* slot, const Invocation& invocation) const;
  static const char* load(const Source& source);

  Layout layout_;
  std::shared_ptr<Constants> constants_;
  Constants tables_;
  std::vector<Instruction> instructions_;
  std::vector<Operand> operands_;
  std::vector<uint64_t> arguments_;  // structs of all instructions, as slots start from them
  std::mutex mutex_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

// Names and field types of all kernels, in the order of their numbers in a stream. The last one is `load`, which only
// programs have: (destination, memory or null, file descriptor, offset).
struct KernelSignature {
  const char* name;
  std::vector<const char*> fields;
};
const std::vector<KernelSignature>& kernelSignatures();

}  // namespace executor
