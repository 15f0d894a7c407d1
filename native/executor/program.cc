#include "executor/program.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <type_traits>

namespace executor {

const char* const Program::kAborted = "aborted";

int32_t Constants::add(size_t bytes) {
  Region region(bytes);
  if (!region.data()) return -1;
  regions_.push_back(std::move(region));
  return static_cast<int32_t>(regions_.size() - 1);
}

char* Constants::at(int32_t region, double offset, double bytes) const {
  if (region < 0 || static_cast<size_t>(region) >= regions_.size()) return nullptr;
  const Region& found = regions_[static_cast<size_t>(region)];
  const bool within = offset >= 0 && bytes >= 0 && offset + bytes <= static_cast<double>(found.bytes());
  return within ? found.data() + static_cast<size_t>(offset) : nullptr;
}

// A pointer to set in the argument struct of an instruction once the memory it lies in is known.
struct Program::Operand {
  size_t field;  // bytes from the start of all arguments
  Space space;
  int32_t index;
  size_t offset;
};

// The arguments of `load`, which brings weights from a file (or, when it has an address, from memory at any alignment)
// to where kernels can read them, without the JavaScript heap.
struct Program::Source {
  OutU8 destination;
  InU8 memory;
  double descriptor, offset;
};

namespace {

// A buffer has a pointer and a size; other structs are geometries, of integers only.
template <class Field, class = void>
struct IsBuffer : std::false_type {};
template <class Field>
struct IsBuffer<Field, std::void_t<decltype(Field::data)>> : std::true_type {};

// How the calls of one kernel are decoded and carried out, its types erased.
struct Kernel {
  size_t argumentBytes;
  Work (*plan)(const KernelTable& table, const void* arguments);
  const char* (*run)(const KernelTable& table, const Work& work, const void* arguments, int threads);
};

template <class Args, KernelEntry<Args> KernelTable::*entry>
Work planOf(const KernelTable& table, const void* arguments) {
  return (table.*entry).plan(*static_cast<const Args*>(arguments));
}

template <class Args, KernelEntry<Args> KernelTable::*entry>
const char* runOf(const KernelTable& table, const Work& work, const void* arguments, int threads) {
  return executePlanned(table.*entry, work, *static_cast<const Args*>(arguments), threads);
}

const Kernel kKernels[] = {
#define FIELD(type, name)
#define KERNEL(name, fields) \
  {sizeof(args::name), planOf<args::name, &KernelTable::name>, runOf<args::name, &KernelTable::name>},
#include "kernels.inc"
#undef KERNEL
#undef FIELD
};
constexpr size_t kKernelCount = sizeof(kKernels) / sizeof(kKernels[0]);

double now() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Reads all of a range of a file; false when the file ends early or cannot be read. The calls take the position as an
// argument, so that several threads may read one file.
bool readRange(int descriptor, char* to, size_t bytes, int64_t offset) {
  while (bytes > 0) {
    const ssize_t count = pread(descriptor, to, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    to += count;
    offset += count;
    bytes -= static_cast<size_t>(count);
  }
  return true;
}

}  // namespace

struct Program::Instruction {
  const Kernel* kernel;    // nullptr: load
  const KernelTable* table;
  size_t arguments;        // bytes from the start of all arguments
  Work work;
};

// Reads a stream: the number of instructions, then of each its kernel's number and its fields. A buffer is five numbers
// (space, index, offset in bytes, length in elements, ElementKind), a geometry its fields, a scalar itself.
class Program::Decoder {
 public:
  Decoder(const double* stream, size_t length, Program* program)
      : next_(stream), end_(stream + length), program_(*program) {}

  bool decode(std::string* error) {
    const size_t count = integer(0, 1 << 24);
    const dispatch::Level& level = dispatch::active();
    for (size_t i = 0; i < count && ok(); i++) {
      const size_t number = integer(0, kKernelCount);
      if (!ok()) break;
      start_ = program_.arguments_.size() * sizeof(uint64_t);
      Instruction instruction = {nullptr, &level.table, start_, {}};
      if (number < kKernelCount) {
        instruction.kernel = &kKernels[number];
        name_ = kernelSignatures()[number].name;
        reserve(instruction.kernel->argumentBytes);
        (this->*kReaders[number])();
        if (!ok()) break;
        instruction.work = instruction.kernel->plan(level.table, address());
        if (instruction.work.error) fail(instruction.work.error);
      } else {
        name_ = "load";
        reserve(sizeof(Source));
        Source* source = static_cast<Source*>(address());
        next(&source->destination);
        next(&source->memory);
        next(&source->descriptor);
        next(&source->offset);
        if (source->memory.data && source->memory.size != source->destination.size) fail("sizes differ");
      }
      program_.instructions_.push_back(instruction);
    }
    if (ok() && next_ != end_) fail("numbers follow the last instruction");
    if (ok()) return true;
    *error = std::string(name_) + ": " + error_;
    return false;
  }

 private:
  using Reader = void (Decoder::*)();
  static const Reader kReaders[];

  template <class Args>
  Args* arguments() {
    return static_cast<Args*>(address());
  }

  bool ok() const { return !error_; }
  void fail(const char* why) {
    if (!error_) error_ = why;
  }

  double number() {
    if (next_ != end_) return *next_++;
    fail("the stream ends too early");
    return 0;
  }
  size_t integer(double least, double most) {
    const double value = number();
    if (value >= least && value <= most) return static_cast<size_t>(value);
    fail("a number is out of range");
    return 0;
  }

  void reserve(size_t bytes) {
    program_.arguments_.resize(program_.arguments_.size() + (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t));
  }
  void* address() { return reinterpret_cast<char*>(program_.arguments_.data()) + start_; }

  void next(double* to) { *to = number(); }
  void next(int32_t* to) {
    const double value = number();
    if (!(value >= INT32_MIN && value <= INT32_MAX)) return fail("a number is out of range");
    *to = static_cast<int32_t>(value);
  }

  template <class Field>
  void next(Field* to) {
    nextOf(to, IsBuffer<Field>{});
  }

  template <class Field>
  void nextOf(Field* to, std::true_type) {
    const double space = number(), index = number(), offset = number(), size = number(), kind = number();
    *to = {};
    if (!ok() || space == static_cast<double>(Space::nowhere)) return;
    if (!(size >= 0 && size <= INT32_MAX && offset >= 0)) return fail("a buffer has no valid size");
    if (!(kind >= ElementKind::float32 && kind <= ElementKind::uint8)) return fail("there is no such kind of elements");
    const Operand operand = {static_cast<size_t>(reinterpret_cast<char*>(&to->data) - reinterpret_cast<char*>(address())) + start_,
                             static_cast<Space>(space), static_cast<int32_t>(index), static_cast<size_t>(offset)};
    char* data = place(operand, size * elementBytes(to, static_cast<int32_t>(kind)));
    if (!data) return fail("a buffer lies outside the memory it names");
    using Pointer = decltype(to->data);
    to->data = reinterpret_cast<Pointer>(data);
    to->size = static_cast<int64_t>(size);
    const bool fixed = operand.space == Space::constants || operand.space == Space::tables;
    if (!fixed) program_.operands_.push_back(operand);
  }
  // A field of elements of any kind is told which; for all others the kind follows from their type.
  template <class Field>
  static auto elementBytes(Field* to, int32_t kind) -> decltype(to->kind, size_t{}) {
    to->kind = kind;
    return kind == ElementKind::uint8 ? 1 : 4;
  }
  template <class Field, class... None>
  static auto elementBytes(Field* to, int32_t, None...) -> decltype(sizeof(*to->data)) {
    return sizeof(*to->data);
  }
  template <class Geometry>
  void nextOf(Geometry* to, std::false_type) {
    static_assert(std::is_trivially_copyable<Geometry>::value && sizeof(Geometry) % sizeof(int32_t) == 0);
    int32_t* fields = reinterpret_cast<int32_t*>(to);
    for (size_t i = 0; i < sizeof(Geometry) / sizeof(int32_t); i++) next(&fields[i]);
  }

  // Constants stay where they are. The other memory is not there yet: plan() gets an address that is not null.
  char* place(const Operand& operand, double bytes) {
    static char somewhere;
    const auto fits = [&](const std::vector<double>& lent) {
      return operand.index >= 0 && static_cast<size_t>(operand.index) < lent.size() &&
             static_cast<double>(operand.offset) + bytes <= lent[static_cast<size_t>(operand.index)];
    };
    const Layout& layout = program_.layout_;
    switch (operand.space) {
      case Space::arena: return static_cast<double>(operand.offset) + bytes <= layout.arenaBytes ? &somewhere : nullptr;
      case Space::constants: return program_.constants_->at(operand.index, static_cast<double>(operand.offset), bytes);
      case Space::tables: return program_.tables_.at(0, static_cast<double>(operand.offset), bytes);
      case Space::inputs: return fits(layout.inputBytes) ? &somewhere : nullptr;
      case Space::outputs: return fits(layout.outputBytes) ? &somewhere : nullptr;
      default: return nullptr;
    }
  }

#define FIELD(type, name) next(&arguments->name);
#define KERNEL(name, fields)                        \
  void read_##name() {                              \
    auto* arguments = this->arguments<args::name>(); \
    fields                                          \
  }
#include "kernels.inc"
#undef KERNEL
#undef FIELD

  const double* next_;
  const double* const end_;
  Program& program_;
  size_t start_ = 0;
  const char* name_ = "program";
  const char* error_ = nullptr;
};

const Program::Decoder::Reader Program::Decoder::kReaders[] = {
#define FIELD(type, name)
#define KERNEL(name, fields) &Program::Decoder::read_##name,
#include "kernels.inc"
#undef KERNEL
#undef FIELD
};

const std::vector<KernelSignature>& kernelSignatures() {
  static const std::vector<KernelSignature>& signatures = *new std::vector<KernelSignature>{
#define FIELD(type, name) #type,
#define KERNEL(name, fields) {#name, {fields}},
#include "kernels.inc"
#undef KERNEL
#undef FIELD
      {"load", {"OutU8", "InU8", "double", "double"}},
  };
  return signatures;
}

std::shared_ptr<Program> Program::create(const double* stream, size_t length, Layout layout,
                                         std::shared_ptr<Constants> constants, std::string* error) {
  const auto program = std::make_shared<Program>();
  program->layout_ = std::move(layout);
  const Buffer& tables = program->layout_.tables;
  if (tables.bytes > 0) {
    if (program->tables_.add(tables.bytes) < 0) {
      *error = "out of memory for constants";
      return nullptr;
    }
    memcpy(program->tables_.at(0, 0, static_cast<double>(tables.bytes)), tables.data, tables.bytes);
  }
  program->constants_ = std::move(constants);
  if (!Decoder(stream, length, program.get()).decode(error)) return nullptr;
  return program;
}

const char* Program::accepts(const std::vector<Buffer>& inputs, const std::vector<Buffer>& outputs) const {
  const auto match = [](const std::vector<Buffer>& lent, const std::vector<double>& wanted) {
    return lent.size() == wanted.size() && std::equal(lent.begin(), lent.end(), wanted.begin(), [](const Buffer& a, double bytes) {
             return static_cast<double>(a.bytes) == bytes;
           });
  };
  if (!match(inputs, layout_.inputBytes)) return "inputs differ in number or size from those the program was made for";
  if (!match(outputs, layout_.outputBytes)) return "outputs differ in number or size from those the program was made for";
  return nullptr;
}

std::unique_ptr<Program::Slot> Program::takeSlot() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!slots_.empty()) {
      std::unique_ptr<Slot> slot = std::move(slots_.back());
      slots_.pop_back();
      return slot;
    }
  }
  auto slot = std::make_unique<Slot>();
  slot->arena = Region(static_cast<size_t>(layout_.arenaBytes));
  if (layout_.arenaBytes > 0 && !slot->arena.data()) return nullptr;
  slot->arguments = arguments_;
  return slot;
}

void Program::bind(Slot* slot, const Invocation& invocation) const {
  char* const arguments = reinterpret_cast<char*>(slot->arguments.data());
  for (const Operand& operand : operands_) {
    char* base = slot->arena.data();
    if (operand.space == Space::inputs) base = static_cast<char*>(invocation.inputs[operand.index].data);
    if (operand.space == Space::outputs) base = static_cast<char*>(invocation.outputs[operand.index].data);
    char* const data = base + operand.offset;
    memcpy(arguments + operand.field, &data, sizeof(data));
  }
}

const char* Program::load(const Source& source) {
  const size_t bytes = static_cast<size_t>(source.destination.size);
  if (source.memory.data) {
    memcpy(source.destination.data, source.memory.data, bytes);
    return nullptr;
  }
  const bool whole = readRange(static_cast<int>(source.descriptor), reinterpret_cast<char*>(source.destination.data), bytes,
                               static_cast<int64_t>(source.offset));
  return whole ? nullptr : "the model's file cannot be read to where its weights end";
}

const char* Program::run(const Invocation& invocation) {
  std::unique_ptr<Slot> slot = takeSlot();
  if (!slot) return "out of memory for activations";
  bind(slot.get(), invocation);
  const char* error = nullptr;
  const char* const arguments = reinterpret_cast<const char*>(slot->arguments.data());
  for (const Instruction& instruction : instructions_) {
    if (invocation.aborted && invocation.aborted->load(std::memory_order_relaxed)) error = kAborted;
    if (error) break;
    if (invocation.times) invocation.times->push_back(now());
    const void* own = arguments + instruction.arguments;
    if (instruction.kernel) {
      error = instruction.kernel->run(*instruction.table, instruction.work, own, invocation.threads);
    } else {
      error = load(*static_cast<const Source*>(own));
    }
  }
  if (invocation.times) invocation.times->push_back(now());
  std::lock_guard<std::mutex> lock(mutex_);
  slots_.push_back(std::move(slot));
  return error;
}

}  // namespace executor
