# Shared by the scripts here; sourced, not run.
#
# A world is a directory that holds all that an engine keeps: data, sockets, pid files, logs, and its network
# namespace as the file DIR/netns. world_end() ends and removes all of it whatever state it is in, and touches nothing
# else: every process, mount and cgroup is found by the directory, never by a bare name.
set -euo pipefail
MARK=.holdfast-world  # in directories that are ours to remove

die() { echo "${0##*/}: $*" >&2; exit 1; }

# The directory without links, made if it is missing.
world_dir() {
  [[ ${1:-} =~ ^[A-Za-z0-9/._-]+$ ]] || die "a directory of plain characters is needed, not '${1:-}'"
  local dir
  dir=$(realpath -m "$1")
  ((${#dir} <= 60)) || die "$dir is too long for the unix sockets below it"
  echo "$dir"
}

world_make() {
  ((EUID == 0)) || die "only root can run a container engine"
  [[ -e $1/$MARK || ! -e $1 || -z $(ls -A "$1") ]] || die "$1 holds files that are not mine"
  mkdir -p "$1"
  : >"$1/$MARK"
}

# A network namespace with nothing but loopback, at DIR/netns.
world_netns() {
  [[ ! -e $1/netns ]] || return 0
  : >"$1/netns"
  unshare --net="$1/netns" ip link set lo up
}

# In a chroot, / need not be a mount point, and engines refuse to unpack images then. Prints the command to run one
# with; what it needs lies outside of DIR, so that nothing that removes DIR can ever reach into it.
world_root() {
  ! awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo || return 0
  local root
  root=/run/$(world_id "$1")
  if [[ ! -d $root ]]; then
    mkdir "$root"
    mount --rbind / "$root"
    mount --make-rslave "$root"
  fi
  echo "chroot $root"
}

# A name for cgroups and the like that no other directory has.
world_id() { echo "hftest-$(sha256sum <<<"$1" | cut -c1-12)"; }

# The engine's own programs: those whose command line names the directory.
world_daemons() {
  local dir=$1 cmdline program argument
  for cmdline in /proc/[0-9]*/cmdline; do
    mapfile -d '' -t arguments 2>/dev/null <"$cmdline" || continue
    ((${#arguments[@]})) || continue  # a thread of the kernel, or a zombie
    program=${arguments[0]##*/}
    case $program in
      dockerd | containerd | containerd-shim* | docker-registry | podman | conmon) ;;
      etcd | kube-apiserver | kube-controller-manager | kube-scheduler | kubelet | kube-proxy | socat) ;;
      *) continue ;;
    esac
    for argument in "${arguments[@]:1}"; do
      [[ $argument == "$dir"/* || $argument == *"//$dir"/* ]] || continue
      cmdline=${cmdline#/proc/}
      echo "${cmdline%/cmdline}"
      break
    done
  done
}

# The cgroup directories of its containers, the inner ones first.
world_cgroups() {
  local names=(-name "$(world_id "$1")") id
  for id in "$1"/root/*-containers/*/; do  # podman's
    [[ ! -d $id/userdata ]] || names+=(-o -name "libpod-$(basename "$id")" -o -name "libpod-conmon-$(basename "$id")")
  done
  # Other cgroups come and go meanwhile, of which find complains.
  { find /sys/fs/cgroup -maxdepth 4 -type d \( "${names[@]}" \) -print 2>/dev/null || true; } |
    while read -r top; do find "$top" -depth -type d 2>/dev/null || true; done
}

world_processes() {
  world_daemons "$1"
  world_cgroups "$1" | while read -r cgroup; do cat "$cgroup/cgroup.procs" 2>/dev/null || true; done
}

# KILLs until there is nothing left to kill. A frozen process dies of it only once thawed.
world_kill() {
  local pids pid cgroup
  for ((i = 0; i < 500; ++i)); do
    world_cgroups "$1" | while read -r cgroup; do
      if [[ -w $cgroup/freezer.state ]]; then { echo THAWED >"$cgroup/freezer.state"; } 2>/dev/null || true; fi
      if [[ -w $cgroup/cgroup.freeze ]]; then { echo 0 >"$cgroup/cgroup.freeze"; } 2>/dev/null || true; fi
    done
    mapfile -t pids < <(world_processes "$1" | sort -un)
    ((${#pids[@]})) || return 0
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    sleep 0.02
  done
  die "processes of $1 can't be killed: ${pids[*]}"
}

# world_release DIR BELOW: removes cgroups and mounts that no process of DIR needs any more.
world_release() {
  local dir=$1 below=$2 cgroup mount
  world_cgroups "$dir" | while read -r cgroup; do
    for ((i = 0; i < 250; ++i)); do
      [[ -d $cgroup ]] && ! rmdir "$cgroup" 2>/dev/null || break
      sleep 0.02
    done
  done
  while read -r mount; do
    umount "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null || ! mountpoint -q "$mount" || die "$mount stays"
  done < <(awk -v dir="$below/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | tac)
}

world_end() {
  local dir=$1 socket inner
  [[ -e $dir/$MARK ]] || return 0
  for inner in "$dir"/*/"$MARK"; do  # worlds that tests made, and had no time to end
    [[ ! -e $inner ]] || world_end "${inner%/*}"
  done
  world_kill "$dir"
  # Sockets that containerd's shims keep outside of all that they are told.
  find "$dir/exec" -name address -path '*io.containerd.runtime.v2.task*' -exec cat {} + 2>/dev/null |
    grep -oE '/run/containerd/s/[0-9a-f]{64}' | while read -r socket; do rm -f "$socket"; done || true
  local root
  root=/run/$(world_id "$dir")
  if [[ -d $root ]]; then
    umount -R "$root" 2>/dev/null || umount -R -l "$root" 2>/dev/null || true
    rmdir "$root"
  fi
  world_release "$dir" "$dir"
  rm -rf --one-file-system "$dir"
}

# await PID LOG command...: until the command succeeds; fails when the process ends before, or after two minutes.
await() {
  local pid=$1 log=$2 until=$((SECONDS + 120))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || ((SECONDS >= until)); then
      tail -n 20 "$log" >&2
      return 1
    fi
    sleep 0.03
  done
}

answers() { curl -fsS --max-time 5 --unix-socket "$1" "http://engine$2"; }
