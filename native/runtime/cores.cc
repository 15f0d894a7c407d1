#include "runtime/cores.h"

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace {

#if defined(__linux__)

// The lines of a file, none if it cannot be read. (C streams: the C++ ones would add a megabyte to the binary.)
std::vector<std::string> linesOf(const std::string& path) {
  std::vector<std::string> lines;
  FILE* file = fopen(path.c_str(), "re");
  if (!file) return lines;
  char* line = nullptr;
  size_t capacity = 0;
  for (ssize_t length; (length = getline(&line, &capacity, file)) > 0;) {
    if (line[length - 1] == '\n') length--;
    lines.emplace_back(line, static_cast<size_t>(length));
  }
  free(line);
  fclose(file);
  return lines;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
    end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
  }
  return parts;
}

// Distinct physical cores among the processors of the affinity mask; 0 if the kernel does not say.
int coresInAffinityMask() {
  for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
    cpu_set_t* mask = CPU_ALLOC(processors);
    if (!mask) return 0;
    const size_t bytes = CPU_ALLOC_SIZE(processors);
    if (sched_getaffinity(0, bytes, mask) != 0) {  // the kernel's mask is longer than ours
      CPU_FREE(mask);
      continue;
    }
    std::set<std::string> cores;
    for (int i = 0; i < processors; i++) {
      if (!CPU_ISSET_S(i, bytes, mask)) continue;
      const std::string processor = "/sys/devices/system/cpu/cpu" + std::to_string(i);
      const std::vector<std::string> siblings = linesOf(processor + "/topology/thread_siblings_list");
      cores.insert(siblings.empty() ? processor : siblings[0]);
    }
    CPU_FREE(mask);
    return static_cast<int>(cores.size());
  }
  return 0;
}

// Processors' worth of time that one control group grants; 0 for no limit.
double quotaInFolder(const std::string& folder, bool unified) {
  std::vector<std::string> limit;  // quota and period in microseconds; the quota is "max" or -1 for no limit
  if (unified) {
    for (const std::string& line : linesOf(folder + "/cpu.max")) limit = split(line, ' ');
  } else {
    for (const char* file : {"/cpu.cfs_quota_us", "/cpu.cfs_period_us"}) {
      for (const std::string& line : linesOf(folder + file)) limit.push_back(line);
    }
  }
  if (limit.size() != 2) return 0;
  const double quota = atof(limit[0].c_str()), period = atof(limit[1].c_str());
  return quota > 0 && period > 0 ? quota / period : 0;
}

// The tightest quota between `folder` and its mount point: a limit on a group binds all groups in it.
double quotaUpTo(const std::string& mount, std::string folder, bool unified) {
  double tightest = 0;
  while (true) {
    const double quota = quotaInFolder(folder, unified);
    if (quota > 0 && (tightest == 0 || quota < tightest)) tightest = quota;
    if (folder.size() <= mount.size()) return tightest;
    folder.resize(std::max(mount.size(), folder.rfind('/')));
  }
}

bool listsCpu(const std::string& controllers) {
  const std::vector<std::string> names = split(controllers, ',');
  return std::find(names.begin(), names.end(), "cpu") != names.end();
}

// This process's group in the hierarchy that controls cpu. Lines are "id:controllers:path"; version 2 names no
// controllers.
bool ownGroup(bool unified, std::string* path) {
  for (const std::string& line : linesOf("/proc/self/cgroup")) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? !controllers.empty() : !listsCpu(controllers)) continue;
    *path = line.substr(second + 1);
    return true;
  }
  return false;
}

double cgroupQuota() {
  double tightest = 0;
  for (const std::string& line : linesOf("/proc/self/mountinfo")) {
    // "36 35 0:30 <root> <mount point> <options> ... - <type> <source> <super options>"
    const std::vector<std::string> fields = split(line, ' ');
    const size_t dash = std::find(fields.begin(), fields.end(), "-") - fields.begin();
    if (dash < 6 || dash + 3 >= fields.size()) continue;
    const std::string &root = fields[3], &mount = fields[4], &type = fields[dash + 1];
    const bool unified = type == "cgroup2";
    if (!unified && !(type == "cgroup" && listsCpu(fields[dash + 3]))) continue;
    std::string path;
    if (!ownGroup(unified, &path)) continue;
    // In a container the mount shows the group `root` of the host, and the path may start with it.
    if (root != "/" && path.compare(0, root.size(), root) == 0) path.erase(0, root.size());
    const double quota = quotaUpTo(mount, path == "/" ? mount : mount + path, unified);
    if (quota > 0 && (tightest == 0 || quota < tightest)) tightest = quota;
  }
  return tightest;
}

#elif defined(__APPLE__)

// Performance cores where there are two kinds: a fork-join waits for its slowest thread.
int physicalCores() {
  for (const char* name : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
    int cores = 0;
    size_t size = sizeof(cores);
    if (sysctlbyname(name, &cores, &size, nullptr, 0) == 0 && cores > 0) return cores;
  }
  return 0;
}

#endif

}  // namespace

int usableCores() {
  int cores = 0;
  double quota = 0;
#if defined(__linux__)
  cores = coresInAffinityMask();
  quota = cgroupQuota();
#elif defined(__APPLE__)
  cores = physicalCores();
#endif
  if (cores <= 0) cores = static_cast<int>(std::thread::hardware_concurrency());
  // To the nearest: with 1.5 processors two threads are throttled a quarter of the time and still do more than one;
  // with 1.2 they would mostly wait for each other.
  if (quota > 0) cores = std::min(cores, static_cast<int>(std::min(quota + 0.5, 1e6)));
  return std::max(cores, 1);
}
