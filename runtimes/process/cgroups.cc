#include "runtimes/process/cgroups.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/base/file.h"
#include "controller/base/unique_fd.h"

namespace holdfast::process {

namespace {

bool write_control(const std::string& path, const std::string& value) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

struct Hierarchy {
  std::string mount_point, root;
};
struct Mounts {
  std::optional<Hierarchy> v2;
  std::map<std::string, Hierarchy> v1;  // by controller
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// proc(5), /proc/<pid>/mountinfo: "... root mountpoint options [optional]... - type source superoptions".
Mounts read_mounts() {
  Mounts mounts;
  for (const auto& line : split(read_file("/proc/self/mountinfo").value_or(""), '\n')) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto left = split(line.substr(0, dash), ' ');
    const auto right = split(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    const Hierarchy hierarchy{left[4], left[3]};
    if (right[0] == "cgroup2" && !mounts.v2) mounts.v2 = hierarchy;
    if (right[0] != "cgroup") continue;
    for (const auto& option : split(right[2], ',')) mounts.v1.emplace(option, hierarchy);
  }
  return mounts;
}

// Our own group in each hierarchy; "" is v2.
std::map<std::string, std::string> read_own_groups() {
  std::map<std::string, std::string> groups;
  for (const auto& line : split(read_file("/proc/self/cgroup").value_or(""), '\n')) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) groups[""] = line.substr(second + 1);
    for (const auto& controller : split(controllers, ',')) groups[controller] = line.substr(second + 1);
  }
  return groups;
}

// Where a group of ours may be made: below our own, else (as root outside any delegation) at the top.
std::vector<std::string> candidates(const Hierarchy& hierarchy, std::string own) {
  if (hierarchy.root != "/" && own.starts_with(hierarchy.root)) own.erase(0, hierarchy.root.size());
  std::vector<std::string> found;
  if (!own.empty() && own != "/") found.push_back(hierarchy.mount_point + (own[0] == '/' ? own : "/" + own));
  found.push_back(hierarchy.mount_point);
  return found;
}

std::string join_path(std::string directory, const std::string& name) {
  return std::move(directory.append("/").append(name));
}

bool make_group(const std::string& path) {
  return (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) &&
         access((path + "/cgroup.procs").c_str(), W_OK) == 0;
}

std::string leaf_name(const InstanceId& id, std::uint64_t incarnation) {
  return id.service + "." + std::to_string(id.ordinal) + "." + std::to_string(incarnation);
}

bool lists(const std::string& file, const std::string& word) {
  std::istringstream words(read_file(file).value_or(""));
  for (std::string next; words >> next;) {
    if (next == word) return true;
  }
  return false;
}

std::string find_v1_base(const Mounts& mounts, const std::map<std::string, std::string>& own,
                         const std::string& controller, const std::string& name) {
  const auto mount = mounts.v1.find(controller);
  if (mount == mounts.v1.end()) return {};
  const auto group = own.find(controller);
  for (const auto& parent : candidates(mount->second, group == own.end() ? "" : group->second)) {
    if (std::string base = join_path(parent, name); make_group(base)) return base;
  }
  return {};
}

}  // namespace

Cgroups::Cgroups(const std::string& tag, bool enabled) {
  if (!enabled) return;
  const Mounts mounts = read_mounts();
  const auto own = read_own_groups();
  const std::string name = "holdfast-" + tag;
  if (mounts.v2) {
    const auto group = own.find("");
    int best = -1;
    for (const auto& parent : candidates(*mounts.v2, group == own.end() ? "" : group->second)) {
      const std::string base = join_path(parent, name);
      if (!make_group(base)) continue;
      int score = 0;
      std::array<bool, 3> usable{};
      constexpr std::array<const char*, 3> kControllers{"memory", "cpu", "pids"};
      for (size_t i = 0; i < kControllers.size(); ++i) {
        const std::string on = std::string("+") + kControllers.at(i);
        write_control(parent + "/cgroup.subtree_control", on);
        usable.at(i) = lists(base + "/cgroup.controllers", kControllers.at(i)) &&
                       write_control(base + "/cgroup.subtree_control", on);
        score += usable.at(i) ? 1 : 0;
      }
      if (score <= best) {
        rmdir(base.c_str());
        continue;
      }
      if (!v2_base_.empty()) rmdir(v2_base_.c_str());
      best = score;
      v2_base_ = base;
      v2_memory_ = usable[0];
      v2_cpu_ = usable[1];
      v2_pids_ = usable[2];
    }
    can_kill_ = !v2_base_.empty() && access((v2_base_ + "/cgroup.kill").c_str(), W_OK) == 0;
  }
  if (!v2_memory_) v1_memory_base_ = find_v1_base(mounts, own, "memory", name);
  if (!v2_cpu_) v1_cpu_base_ = find_v1_base(mounts, own, "cpu", name);
  if (!v2_pids_) v1_pids_base_ = find_v1_base(mounts, own, "pids", name);
}

Cgroups::~Cgroups() {
  remove_cgroups({v2_base_, v1_memory_base_, v1_cpu_base_, v1_pids_base_});  // those without instances
}

std::string Cgroups::limit_source(Controller controller) const {
  const auto source = [](bool v2, const std::string& v1) -> std::string {
    if (v2) return "cgroup v2";
    return v1.empty() ? "" : "cgroup v1";
  };
  switch (controller) {
    case Controller::kMemory:
      return source(v2_memory_, v1_memory_base_);
    case Controller::kCpu:
      return source(v2_cpu_, v1_cpu_base_);
    case Controller::kPids:
      return source(v2_pids_, v1_pids_base_);
  }
  return {};
}

Result<CgroupLeaf> Cgroups::make(const InstanceId& id, std::uint64_t incarnation,
                                 const Resources& resources) const {
  constexpr std::int64_t kPeriod = 100'000;  // us
  CgroupLeaf leaf;
  const auto create = [&](const std::string& base) -> std::string {
    if (base.empty()) return {};
    std::string path = base + "/" + leaf_name(id, incarnation);
    if (mkdir(path.c_str(), 0755) != 0 && errno == ENOENT) {  // the base was removed underneath
      mkdir(base.c_str(), 0755);
      mkdir(path.c_str(), 0755);
    }
    if (access(path.c_str(), F_OK) != 0) return {};
    if (std::find(leaf.directories.begin(), leaf.directories.end(), path) == leaf.directories.end())
      leaf.directories.push_back(path);
    return path;
  };
  const std::string v2 = create(v2_base_);
  if (can_kill_) leaf.kill_directory = v2;
  if (resources.memory_bytes) {
    const std::string group = v2_memory_ ? v2 : create(v1_memory_base_);
    const std::string limit = std::to_string(*resources.memory_bytes);
    leaf.memory = !group.empty() &&
                  write_control(group + (v2_memory_ ? "/memory.max" : "/memory.limit_in_bytes"), limit);
    if (leaf.memory) leaf.oom_file = group + (v2_memory_ ? "/memory.events" : "/memory.oom_control");
  }
  if (resources.cpu_millis) {
    const std::string group = v2_cpu_ ? v2 : create(v1_cpu_base_);
    const std::string quota =
        std::to_string(std::max<std::int64_t>(*resources.cpu_millis * kPeriod / 1000, 1000));
    leaf.cpu =
        !group.empty() && (v2_cpu_ ? write_control(group + "/cpu.max", quota + " " + std::to_string(kPeriod))
                                   : write_control(group + "/cpu.cfs_period_us", std::to_string(kPeriod)) &&
                                         write_control(group + "/cpu.cfs_quota_us", quota));
  }
  if (resources.pids) {
    const std::string group = v2_pids_ ? v2 : create(v1_pids_base_);
    leaf.pids = !group.empty() && write_control(group + "/pids.max", std::to_string(*resources.pids));
  }
  return leaf;
}

std::vector<std::string> Cgroups::leaves_of(const InstanceId& id) const {
  std::vector<std::string> found;
  if (v2_base_.empty()) return found;
  const std::string prefix = id.service + "." + std::to_string(id.ordinal) + ".";
  std::error_code error;
  for (std::filesystem::directory_iterator it(v2_base_, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path().string());
  }
  return found;
}

void Cgroups::sweep(const std::function<bool(const InstanceId&)>& in_use) const {
  for (const auto& base : {v2_base_, v1_memory_base_, v1_cpu_base_, v1_pids_base_}) {
    std::vector<std::string> unused;
    std::error_code error;
    for (std::filesystem::directory_iterator it(base, error), end; !error && it != end; it.increment(error)) {
      const auto parts = split(it->path().filename().string(), '.');  // service.ordinal.incarnation
      if (parts.size() != 3) continue;
      int ordinal = 0;
      std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), ordinal);
      if (!in_use({parts[0], ordinal})) unused.push_back(it->path().string());
    }
    remove_cgroups(unused);
  }
}

void remove_cgroups(const std::vector<std::string>& directories) {
  for (const auto& directory : directories) {
    if (!directory.empty()) rmdir(directory.c_str());
  }
}

bool cgroup_populated(const std::string& directory) {
  if (directory.empty()) return false;
  return read_file(directory + "/cgroup.events").value_or("").find("populated 1") != std::string::npos;
}

void kill_cgroup(const std::string& directory) {
  if (!directory.empty()) write_control(directory + "/cgroup.kill", "1");
}

}  // namespace holdfast::process
