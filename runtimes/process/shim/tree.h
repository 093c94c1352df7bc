// The tree below the shim. Orphans reparent to it (PR_SET_CHILD_SUBREAPER), so whoever left its process group
// or session is still found.
#pragma once

namespace holdfast::shim {

// Sends KILL to everything in the cgroup (cgroup.kill, Linux 5.14; "" for none) and to every descendant of
// the caller with its process group; groups are killed as a whole, which a fork can't outrun.
void kill_descendants(const char* kill_cgroup);

}  // namespace holdfast::shim
