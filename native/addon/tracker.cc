#include "addon/tracker.h"

namespace {

// Whether the object of a weak reference is gone. The collector clears the reference itself, in the same pause.
bool isGone(napi_env env, napi_ref reference) {
  napi_value value = nullptr;
  return napi_get_reference_value(env, reference, &value) == napi_ok && value == nullptr;
}

}  // namespace

int32_t Tracker::track(napi_env env, napi_value object) {
  napi_ref reference;
  if (napi_create_reference(env, object, 0, &reference) != napi_ok) return -1;
  if (freeIds_.empty()) {
    references_.push_back(reference);
    return static_cast<int32_t>(references_.size() - 1);
  }
  const int32_t id = freeIds_.back();
  freeIds_.pop_back();
  references_[id] = reference;
  return id;
}

// A fresh object that nobody holds dies in the next collection, minor or major. As long as it is there, no collection
// has run and every tracked object is where it was: that one look replaces a look at each of them.
bool Tracker::collectorHasRun(napi_env env) {
  if (sentinel_) {
    if (!isGone(env, sentinel_)) return false;
    napi_delete_reference(env, sentinel_);
    sentinel_ = nullptr;
  }
  napi_value object;
  if (napi_create_object(env, &object) == napi_ok) napi_create_reference(env, object, 0, &sentinel_);
  return true;
}

void Tracker::collect(napi_env env, std::vector<int32_t>* ids) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (collectorHasRun(env)) {
    for (size_t i = 0; i < references_.size(); i++) {
      if (!references_[i] || !isGone(env, references_[i])) continue;
      napi_delete_reference(env, references_[i]);
      references_[i] = nullptr;
      ids->push_back(static_cast<int32_t>(i));
    }
    freeIds_.insert(freeIds_.end(), ids->begin(), ids->end());
  }
  napi_close_handle_scope(env, scope);
}

void Tracker::clear(napi_env env) {
  for (napi_ref reference : references_) {
    if (reference) napi_delete_reference(env, reference);
  }
  if (sentinel_) napi_delete_reference(env, sentinel_);
  references_.clear();
  freeIds_.clear();
  sentinel_ = nullptr;
}
