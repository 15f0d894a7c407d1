// Every kernel family of one ISA, and install(), which hands them to the dispatcher. Each family file opens
// `namespace ISA { namespace {` itself and leaves behind overloads of plan() and run() on the argument structs.
#pragma once
#include "kernels.h"

#include "kernels/plan.inl"

#include "kernels/gemm.inl"
#include "kernels/gemm_packed.inl"
#include "kernels/im2col.inl"
#include "kernels/conv2d.inl"
#include "kernels/pool.inl"
#include "kernels/norm.inl"
#include "kernels/elementwise.inl"
#include "kernels/where.inl"
#include "kernels/cast.inl"
#include "kernels/integer.inl"
#include "kernels/copy.inl"
#include "kernels/indexing.inl"
#include "kernels/selection.inl"
#include "kernels/suppression.inl"
#include "kernels/running.inl"
#include "kernels/resample.inl"
#include "kernels/pad.inl"
#include "kernels/reduce.inl"
#include "kernels/softmax.inl"
#include "kernels/random.inl"
#include "kernels/optimizer.inl"
#include "kernels/measure.inl"

#include "kernels/blocked/convert.inl"
#include "kernels/blocked/conv2d.inl"
#include "kernels/blocked/avg_pool.inl"
#include "kernels/blocked/max_pool.inl"
#include "kernels/blocked/map.inl"
#include "kernels/blocked/channel_statistics.inl"
#include "kernels/blocked/batch_norm.inl"
#include "kernels/blocked/batch_norm_grad.inl"
#include "kernels/blocked/activation_grad.inl"
#include "kernels/blocked/gather_channels.inl"
#include "kernels/blocked/resize.inl"

namespace ISA {

// A kernel without plan() and run() of its argument struct does not compile here.
void install(KernelTable* table) {
#define FIELD(type, name)
#define KERNEL(name, fields) table->name = {plan, run};
#include "kernels.inc"
#undef KERNEL
#undef FIELD
}

}  // namespace ISA
