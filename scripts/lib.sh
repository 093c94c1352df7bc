# Shared by the scripts here; sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
CACHE=${HOLDFAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast}
JOBS=${HOLDFAST_JOBS:-$(nproc)}
mkdir -p "$CACHE"
export CCACHE_DIR=${CCACHE_DIR:-$CACHE/ccache} CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-4G}

# Debian 12 packages, each with its reason in docs/dependencies.md.
BUILD_PACKAGES=(g++ cmake ninja-build pkg-config ccache ca-certificates
  libpistache-dev rapidjson-dev libyaml-cpp-dev prometheus-cpp-dev libcurl4-openssl-dev libssl-dev
  libexpected-dev libcli11-dev libspdlog-dev libsqlitecpp-dev libsqlite3-dev libvalijson-dev libhdf5-dev
  libgtest-dev libgmock-dev)
RUN_PACKAGES=(curl)
TEST_PACKAGES=(git curl openssl procps iproute2 util-linux mount
  clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev prometheus
  docker.io iptables busybox-static podman netavark docker-registry
  debootstrap docker-compose
  golang-1.19-go dpkg-dev etcd-server conntrack socat)
command -v npm >/dev/null || TEST_PACKAGES+=(nodejs npm)
BENCH_PACKAGES=(wrk runit supervisor s6 nodejs npm
  docker.io iptables iproute2 util-linux mount)

say() { printf '\n\033[1m==> %s\033[0m\n' "$*" >&2; }

# Installs what is missing of the named packages; without root it says what to install.
install_packages() {
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    echo "These Debian packages are missing; install them as root, then run this again:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  apt-get update -q
  # RUNLEVEL=1 keeps packages from starting services of their own.
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# build PRESET [target...]
build() {
  local preset=$1
  shift
  say "Building $preset${*:+: $*}"
  cmake --preset "$preset" >"$CACHE/configure-$preset.log" 2>&1 || { cat "$CACHE/configure-$preset.log" >&2; return 1; }
  cmake --build "build/$preset" --parallel "$JOBS" ${*:+--target "$@"}
}
