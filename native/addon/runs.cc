#include "addon/runs.h"

namespace {

napi_value describe(napi_env env, const executor::Run& run) {
  napi_value entry, id, error, times;
  napi_create_array_with_length(env, 3, &entry);
  napi_create_int64(env, run.id, &id);
  if (run.error) {
    napi_create_string_utf8(env, run.error, NAPI_AUTO_LENGTH, &error);
  } else {
    napi_get_null(env, &error);
  }
  napi_get_null(env, &times);
  if (run.profile) {
    napi_create_array_with_length(env, run.times.size(), &times);
    for (size_t i = 0; i < run.times.size(); i++) {
      napi_value time;
      napi_create_double(env, run.times[i], &time);
      napi_set_element(env, times, static_cast<uint32_t>(i), time);
    }
  }
  napi_set_element(env, entry, 0, id);
  napi_set_element(env, entry, 1, error);
  napi_set_element(env, entry, 2, times);
  return entry;
}

}  // namespace

bool Runs::listen(napi_env env, napi_value callback) {
  napi_value name;
  napi_create_string_utf8(env, "convforge", NAPI_AUTO_LENGTH, &name);
  const napi_status status =
      napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr, nullptr, this, deliver, &wake_);
  if (status != napi_ok) {
    napi_throw_error(env, "ERR_ARGUMENT", "listen: callback must be a function");
    return false;
  }
  napi_unref_threadsafe_function(env, wake_);  // an idle session must not keep the process alive
  // Hooks run last in, first out: this one before that of the function above, and before anything that runs write to goes.
  napi_add_env_cleanup_hook(env, [](void* runs) { static_cast<Runs*>(runs)->close(); }, this);
  return true;
}

void Runs::start(napi_env env, std::shared_ptr<executor::Run> run) {
  if (pending_++ == 0) napi_ref_threadsafe_function(env, wake_);
  run->finished = finished;
  run->context = this;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    running_[run->id] = run;
  }
  executor::submit(std::move(run));
}

void Runs::abort(int64_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = running_.find(id);
  if (found != running_.end()) found->second->aborted.store(true);
}

void Runs::finished(void* context, executor::Run* run) {
  Runs& runs = *static_cast<Runs*>(context);
  std::lock_guard<std::mutex> lock(runs.mutex_);
  const auto found = runs.running_.find(run->id);
  runs.ended_.push_back(std::move(found->second));
  runs.running_.erase(found);
  // One call for all that have ended until it arrives.
  if (runs.wake_ && runs.ended_.size() == 1) {
    napi_call_threadsafe_function(runs.wake_, nullptr, napi_tsfn_nonblocking);
  }
  runs.none_.notify_all();
}

napi_value Runs::collect(napi_env env) {
  std::vector<std::shared_ptr<executor::Run>> ended;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(ended_);
  }
  napi_value list;
  napi_create_array_with_length(env, ended.size(), &list);
  for (size_t i = 0; i < ended.size(); i++) {
    napi_set_element(env, list, static_cast<uint32_t>(i), describe(env, *ended[i]));
  }
  pending_ -= ended.size();
  if (pending_ == 0 && !ended.empty()) napi_unref_threadsafe_function(env, wake_);
  return list;
}

void Runs::deliver(napi_env env, napi_value callback, void* context, void*) {
  if (!env) return;  // the environment is ending
  napi_value list = static_cast<Runs*>(context)->collect(env), undefined, result;
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, callback, 1, &list, &result);
}

void Runs::close() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (auto& entry : running_) entry.second->aborted.store(true);
  none_.wait(lock, [&] { return running_.empty(); });
  ended_.clear();
  if (wake_) napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  wake_ = nullptr;
}
