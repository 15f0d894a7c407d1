// oneDNN as a contender of bench/: convolutions in the layouts it likes best, weights reordered beforehand.
//
//   onednn auto|winograd       the algorithm: what oneDNN chooses by itself, or Winograd's, which it has to be told
//
// Reads commands from stdin, a line each, and answers each with a line:
//   prepare PASS N IC H W OC KH KW OH OW SH SW DH DW PT PL PB PR GROUPS FILE
//       sets a convolution up, writes its result to FILE as plain float32, answers "ready IMPLEMENTATION"
//   sample REPEATS
//       answers "MS CALIBRATION_MS BEST_CALIBRATION_MS SHARE" of REPEATS runs: what calibrations are, bench/calibration.mjs
//       says; the share is that of the time in which the process had a processor
// What it cannot do it answers with "unsupported WHY".
#include <omp.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

namespace {

using dnnl::memory;
using tag = memory::format_tag;

double nowMs() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processorMs() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kChains = 16;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32, kChains = 12;
#else
constexpr int kVectorBytes = 16, kChains = 12;
#endif
typedef float Vector __attribute__((vector_size(kVectorBytes)));

float multiplyAdds(long steps) {
  Vector chains[kChains], scale, offset;
  for (int i = 0; i < kChains; i++) chains[i] = Vector{} + static_cast<float>(i + 2);
  scale = Vector{} + 0.999f;
  offset = Vector{} + 1e-3f;
  for (long step = 0; step < steps; step++) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; i++) chains[i] = chains[i] * scale + offset;
  }
  float sum = 0;
  for (int i = 0; i < kChains; i++) sum += chains[i][0];
  return sum;
}

// A short run of multiply-adds on all threads, to see whether the machine has its full speed.
class Calibration {
 public:
  Calibration() {
    for (int round = 0; round < 3; round++) {
      best_ = 1e9;
      for (int i = 0; i < 400; i++) run();
      if (round < 2) steps_ = static_cast<long>(steps_ * kMs / best_);
    }
  }
  double run() {
    multiplyAddsOnAllThreads(1);  // fetches code that the convolution has displaced
    const double start = nowMs();
    multiplyAddsOnAllThreads(steps_);
    const double ms = nowMs() - start;
    best_ = std::min(best_, ms);
    return ms;
  }
  double best() const { return best_; }

 private:
  void multiplyAddsOnAllThreads(long steps) {
    float sum = 0;
#pragma omp parallel reduction(+ : sum)
    sum += multiplyAdds(steps);
    sink_ = sum;
  }

  static constexpr double kMs = 0.025;
  long steps_ = 1000;
  double best_ = 1e9;
  volatile float sink_ = 0;
};

// The same numbers as fill() of bench/buffers.mjs.
void fill(float* data, size_t count, uint32_t seed) {
  uint32_t state = seed;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525u + 1013904223u;
    data[i] = static_cast<float>(static_cast<int32_t>(state) >> 7) / 16777216.0f;
  }
}

struct Shape {
  std::string pass;
  memory::dim n, ic, h, w, oc, kh, kw, oh, ow, sh, sw, dh, dw, pt, pl, pb, pr, groups;
};

std::istream& operator>>(std::istream& in, Shape& s) {
  return in >> s.pass >> s.n >> s.ic >> s.h >> s.w >> s.oc >> s.kh >> s.kw >> s.oh >> s.ow >> s.sh >> s.sw >> s.dh >>
         s.dw >> s.pt >> s.pl >> s.pb >> s.pr >> s.groups;
}

// One convolution, ready to run.
class Convolution {
 public:
  Convolution(const dnnl::engine& engine, const Shape& s, dnnl::algorithm algorithm) : engine_(engine), stream_(engine) {
    const memory::dims x = {s.n, s.ic, s.h, s.w}, y = {s.n, s.oc, s.oh, s.ow};
    const memory::dims weight = s.groups == 1
                                    ? memory::dims{s.oc, s.ic, s.kh, s.kw}
                                    : memory::dims{s.groups, s.oc / s.groups, s.ic / s.groups, s.kh, s.kw};
    const tag weightTag = s.groups == 1 ? tag::oihw : tag::goihw;
    const auto any = [](const memory::dims& dims) { return memory::desc(dims, memory::data_type::f32, tag::any); };
    const memory::dims strides = {s.sh, s.sw}, dilations = {s.dh - 1, s.dw - 1};
    const memory::dims padStart = {s.pt, s.pl}, padEnd = {s.pb, s.pr};
    const dnnl::convolution_forward::primitive_desc forward(
        {s.pass == "forward" ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training, algorithm, any(x),
         any(weight), any(y), strides, dilations, padStart, padEnd},
        engine);
    if (s.pass == "forward") {
      primitive_ = dnnl::convolution_forward(forward);
      implementation_ = forward.impl_info_str();
      input(DNNL_ARG_SRC, x, tag::nchw, forward.src_desc(), 1);
      input(DNNL_ARG_WEIGHTS, weight, weightTag, forward.weights_desc(), 2);
      output(DNNL_ARG_DST, y, tag::nchw, forward.dst_desc());
    } else if (s.pass == "gradInput") {
      const dnnl::convolution_backward_data::primitive_desc backward(
          {algorithm, any(x), any(weight), any(y), strides, dilations, padStart, padEnd}, engine, forward);
      primitive_ = dnnl::convolution_backward_data(backward);
      implementation_ = backward.impl_info_str();
      input(DNNL_ARG_DIFF_DST, y, tag::nchw, backward.diff_dst_desc(), 3);
      input(DNNL_ARG_WEIGHTS, weight, weightTag, backward.weights_desc(), 2);
      output(DNNL_ARG_DIFF_SRC, x, tag::nchw, backward.diff_src_desc());
    } else {
      const dnnl::convolution_backward_weights::primitive_desc backward(
          {algorithm, any(x), any(weight), any(y), strides, dilations, padStart, padEnd}, engine, forward);
      primitive_ = dnnl::convolution_backward_weights(backward);
      implementation_ = backward.impl_info_str();
      input(DNNL_ARG_SRC, x, tag::nchw, backward.src_desc(), 1);
      input(DNNL_ARG_DIFF_DST, y, tag::nchw, backward.diff_dst_desc(), 3);
      output(DNNL_ARG_DIFF_WEIGHTS, weight, weightTag, backward.diff_weights_desc());
    }
  }

  void run() {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }

  const std::string& implementation() const { return implementation_; }

  // The result in the plain layout.
  std::vector<float> result() {
    run();
    memory plain(plainResult_, engine_);
    dnnl::reorder(result_, plain).execute(stream_, result_, plain);
    stream_.wait();
    const float* data = static_cast<const float*>(plain.get_data_handle());
    return {data, data + plainResult_.get_size() / sizeof(float)};
  }

 private:
  void input(int argument, const memory::dims& dims, tag plainTag, const memory::desc& wanted, uint32_t seed) {
    memory plain({dims, memory::data_type::f32, plainTag}, engine_);
    fill(static_cast<float*>(plain.get_data_handle()), plain.get_desc().get_size() / sizeof(float), seed);
    memory reordered(wanted, engine_);
    dnnl::reorder(plain, reordered).execute(stream_, plain, reordered);
    stream_.wait();
    arguments_.insert({argument, reordered});
  }
  void output(int argument, const memory::dims& dims, tag plainTag, const memory::desc& wanted) {
    plainResult_ = {dims, memory::data_type::f32, plainTag};
    result_ = memory(wanted, engine_);
    arguments_.insert({argument, result_});
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
  memory result_;
  memory::desc plainResult_;
  std::string implementation_;
};

}  // namespace

int main(int count, char** words) {
  const bool winograd = count > 1 && std::string(words[1]) == "winograd";
  const auto algorithm = winograd ? dnnl::algorithm::convolution_winograd : dnnl::algorithm::convolution_auto;
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  Calibration calibration;
  std::unique_ptr<Convolution> convolution;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream fields(line);
    std::string command;
    fields >> command;
    if (command == "prepare") {
      Shape shape;
      std::string file;
      fields >> shape >> file;
      convolution.reset();
      try {
        convolution = std::make_unique<Convolution>(engine, shape, algorithm);
      } catch (const dnnl::error& error) {
        std::cout << "unsupported " << error.what() << std::endl;
        continue;
      }
      const std::vector<float> result = convolution->result();
      std::ofstream(file, std::ios::binary)
          .write(reinterpret_cast<const char*>(result.data()), static_cast<std::streamsize>(result.size() * sizeof(float)));
      std::cout << "ready " << convolution->implementation() << std::endl;
    } else if (command == "sample" && convolution) {
      long repeats = 1;
      fields >> repeats;
      const double before = calibration.run();
      const double processorStart = processorMs(), start = nowMs();
      for (long i = 0; i < repeats; i++) convolution->run();
      const double elapsed = nowMs() - start, share = (processorMs() - processorStart) / elapsed;
      const double after = calibration.run();
      std::printf("%.9f %.9f %.9f %.6f\n", elapsed / static_cast<double>(repeats), std::max(before, after),
                  calibration.best(), share);
      std::fflush(stdout);
    } else {
      std::cout << "unsupported command" << std::endl;
    }
  }
}
