# shellcheck shell=bash
# The figures of containers, against an engine of their own; sourced by run, which has peers.sh and figures.sh too.
# What is compared has the same image, mount, log options and no network: the same work for the engine.
DOCKER_FIGURES=(docker-restart docker-verb docker-status docker-200)
DOCKER_IMAGE=holdfast-bench:1
BESIDE_PORT=$((API_PORT + 2))

docker_up() {  # with no containers
  if [[ -S $WORK/engine/docker.sock ]]; then
    docker_remove_all
    return
  fi
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  export DOCKER_HOST=unix://$WORK/engine/docker.sock DOCKER_CONFIG=$WORK/docker-config
  tests/support/docker_world/engine up "$WORK/engine" >/dev/null
  tar -C "$BENCH" -c bench-service |
    docker import --change 'ENTRYPOINT ["/bench-service"]' - "$DOCKER_IMAGE" >/dev/null
}
docker_down() { tests/support/docker_world/engine down "$WORK/engine"; }

# The same container by docker's command and as a service; both report to the fifo under that name.
docker_options() {
  printf '%s\n' --network none --log-opt max-size=10m --log-opt max-file=5 --volume "$FIFO:/reports"
}
docker_run() {  # docker_run NAME [option...]
  local options
  mapfile -t options < <(docker_options)
  docker run --detach --name "$1" "${options[@]}" "${@:2}" "$DOCKER_IMAGE" /reports "$1" >/dev/null
}
docker_config() {  # docker_config NAME...
  echo "apiVersion: holdfast/v1"
  echo "defaults: {restart: {policy: always, backoff: {resetAfter: 0s}, budget: {attempts: 0}}}"
  echo "streaming: {service: $1}"
  echo "services:"
  local name
  for name in "$@"; do
    echo "  $name: {runtime: docker, args: [/reports, $name]," \
      "docker: {image: '$DOCKER_IMAGE', network: none, volumes: ['$FIFO:/reports']}}"
  done
}
docker_pid() { docker inspect --format '{{.State.Pid}}' "$1"; }
docker_remove_all() { docker ps --all --quiet | xargs --no-run-if-empty -P4 -n10 docker rm --force >/dev/null; }
# Milliseconds that a command took.
took() {
  local before=$EPOCHREALTIME
  "$@" >/dev/null || return
  echo "$(calc "($EPOCHREALTIME - $before) * 1000" 1)"
}
median_and_max() { sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%s/%s\n", v[int((NR + 1) / 2)], v[NR] }'; }
# ratio_row FIGURE MINE THEIRS PEER: two files of milliseconds
ratio_row() {
  local mine theirs
  mine=$(median_and_max "$2") theirs=$(median_and_max "$3")
  row "$1" "$mine" "$4 $theirs" "p50 <= 1.1x" "${mine%/*}" "$(calc "1.1 * ${theirs%/*}")"
}

# ---- crash to restart

figure_docker_restart() {
  local i name order
  local -A names=([holdfast]=holdfast-holdfast-0 [docker]=docker)
  docker_up
  docker_config holdfast >"$WORK/holdfast.yaml"
  serve_holdfast 1
  for ((i = 0; i < ${DOCKER_ROUNDS:-30}; ++i)); do
    # A new one each time, because the engine waits twice as long before each further restart.
    docker_run docker --restart=always
    sleep 1.3
    order=(holdfast docker)
    ((i % 2)) || order=(docker holdfast)
    for name in "${order[@]}"; do
      sleep 0.5
      "$BENCH/bench-driver" kill "$FIFO" "$name" "$(docker_pid "${names[$name]}")" >>"$WORK/crash.$name"
    done
    docker rm --force docker >/dev/null
  done
  ratio_row "container: crash to restart, p50/max ms" "$WORK/crash.holdfast" "$WORK/crash.docker" "--restart=always"
}

# ---- an operator's restart

request() { curl -sf -o /dev/null -w '%{time_total}\n' -X POST "$@" | awk '{ print $1 * 1000 }'; }
figure_docker_verb() {
  local i
  docker_up
  docker_config holdfast >"$WORK/holdfast.yaml"
  serve_holdfast 1
  docker_run docker
  for ((i = 0; i < ${DOCKER_ROUNDS:-20}; ++i)); do
    sleep 0.5
    request "http://127.0.0.1:$API_PORT/api/v1/services/holdfast/restart?wait=30s" >>"$WORK/api.holdfast"
    sleep 0.5
    request --unix-socket "$WORK/engine/docker.sock" http://engine/containers/docker/restart >>"$WORK/api.docker"
    sleep 0.5
    took "$BIN/holdfast" --server "http://127.0.0.1:$API_PORT" restart holdfast >>"$WORK/command.holdfast"
    sleep 0.5
    took docker restart docker >>"$WORK/command.docker"
  done
  ratio_row "container: restart by the API, p50/max ms" "$WORK/api.holdfast" "$WORK/api.docker" "engine's API"
  ratio_row "container: restart by command, p50/max ms" "$WORK/command.holdfast" "$WORK/command.docker" "docker restart"
}

# ---- the facade's status of a container

end_beside() { end_served beside "$BESIDE_PORT"; }
figure_docker_status() {
  local process=http://127.0.0.1:$API_PORT/api/streaming/status i mine theirs figures
  local container=http://127.0.0.1:$BESIDE_PORT/api/streaming/status
  docker_up
  facade_config >"$WORK/holdfast.yaml"
  serve_holdfast 1
  docker_config streaming >"$WORK/beside.yaml"
  serve beside "$BESIDE_PORT" 1
  for ((i = 0; i < 100; ++i)); do
    figures=$(curl -sf "$container" | grep -oE '"(cpu_percent|memory_mb)":[^,}]*' | tr '\n' ' ')
    [[ -z $figures || $figures == *null* ]] || break
    sleep 0.1
  done
  wrk_once 2 "$container" >/dev/null
  wrk_once 2 "$process" >/dev/null
  for ((i = 0; i < 5; ++i)); do
    wrk_once 3 "$container" >>"$WORK/wrk.container"
    wrk_once 3 "$process" >>"$WORK/wrk.process"
  done
  mine=$(cut -d' ' -f1 "$WORK/wrk.container" | median)
  theirs=$(cut -d' ' -f1 "$WORK/wrk.process" | median)
  row "container: GET status, requests/s" "$mine" "a process $theirs" ">= 90 % of it" "$(calc "$mine / $theirs" 3)" \
    0.9 at-least
  figures=$(curl -sf "$container" | grep -oE '"(cpu_percent|memory_mb)":[^,}]*' | cut -d: -f2 | tr '\n' ' ')
  row "container: GET status, CPU % and MB" "$figures" "" "both told" \
    "$([[ $figures =~ ^[0-9.]+\ [0-9.]+\ $ ]] && echo 1 || echo 2)" 1
}

# ---- two hundred containers

figure_docker_200() {
  local count=200 services pid engine before engine_before ticks engine_ticks resident created started options
  local seconds=${IDLE_SECONDS:-60}
  docker_up
  mapfile -t services < <(names_of holdfast $count)
  mapfile -t options < <(docker_options)
  created=$(printf '%s\n' "${services[@]}" |
    took xargs -P4 -I{} docker create --name {} "${options[@]}" "$DOCKER_IMAGE" /reports {})
  started=$(printf '%s\n' "${services[@]}" | took xargs -P4 -n1 docker start)
  docker_remove_all
  docker_config "${services[@]}" >"$WORK/holdfast.yaml"
  serve_holdfast $count
  note "200 containers: create and start all, ms" "$LAST_MS" "docker create + start, 4 at once $created+$started"
  pid=${PIDS[holdfast]} engine=$(<"$WORK/engine/pid")
  sleep 20  # as in figure_idle
  before=$(cpu_ticks "$pid") engine_before=$(cpu_ticks "$engine")
  sleep "$seconds"
  ticks=$(($(cpu_ticks "$pid") - before)) engine_ticks=$(($(cpu_ticks "$engine") - engine_before))
  resident=$(awk '/^Rss:/ { print $2 * 1024 / 1000000 }' "/proc/$pid/smaps_rollup")
  row "200 containers: idle, resident MB" "$(calc "$resident" 1)" "" "<= 40 MB" "$resident" 40
  row "200 containers: idle, % of one core" "$(percent_of_core "$ticks" "$seconds")" \
    "dockerd meanwhile $(percent_of_core "$engine_ticks" "$seconds")" "<= 1 %" "$(percent_of_core "$ticks" "$seconds")" 1
}
percent_of_core() { calc "$1 * 100 / $(getconf CLK_TCK) / $2" 3; }
