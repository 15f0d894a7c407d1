#include "runtime/thread.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace thread {
namespace {

// The default of 8 MiB each is address space for nothing.
constexpr size_t kStackBytes = size_t{1} << 20;

void pinLibrary() {
  Dl_info library;
  if (dladdr(reinterpret_cast<void*>(&start), &library)) dlopen(library.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

}  // namespace

bool start(void* (*main)(void*)) {
  pinLibrary();
  // A thread inherits the mask of its creator; signals are for Node's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, main, nullptr) == 0;
#if defined(__linux__)
  if (started) pthread_setname_np(thread, "convforge");
#endif
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");  // `yield` is a no-op on most cores
#endif
}

}  // namespace thread
