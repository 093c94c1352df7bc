# Holdfast and its peers, each keeping N bench-services running; sourced by run.
#
#   launch_X COUNT    starts X with that many services, and prints the milliseconds until all were up
#   end_X             stops it with all its services
#
# A single service is named after its supervisor; many are named s0, s1, …

API_PORT=18410
declare -A PIDS=()

names_of() {  # names_of SUPERVISOR COUNT
  if (($2 == 1)); then echo "$1"; else seq -f 's%.0f' 0 $(($2 - 1)); fi
}

# What all launches have in common. LAST_MS is set, for the table.
launch() {  # launch SUPERVISOR COUNT program...
  local name=$1 count=$2 answer
  rm -f "$WORK/$name.log.pid"
  PIDS[$name]=unknown
  answer=$("$BENCH/bench-driver" launch "$FIFO" "$count" "$WORK/$name.log" "${@:3}")
  PIDS[$name]=${answer% *}
  LAST_MS=${answer#* }
}
end_by() {  # end_by SIGNAL SUPERVISOR
  local pid=${PIDS[$2]:-}
  [[ -n $pid ]] || return 0
  unset "PIDS[$2]"
  [[ $pid != unknown ]] || pid=$(cat "$WORK/$2.log.pid" 2>/dev/null) || return 0
  kill "-$1" "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

# A directory for runit and s6: the kernel starts the service directly, no shell comes between.
service_directories() {  # service_directories SUPERVISOR COUNT
  local name
  for name in $(names_of "$1" "$2"); do
    mkdir -p "$WORK/$1/$name"
    printf '#!%s %s\n' "$BENCH/bench-service" "$FIFO" >"$WORK/$1/$name/run"
    chmod +x "$WORK/$1/$name/run"
  done
}

# resetAfter: a run of half a second counts as stable, so that backoff (a second and more after the second
# crash in a row) plays no part; the budget of restarts is off.
holdfast_config() {  # holdfast_config COUNT
  echo "apiVersion: holdfast/v1"
  echo "defaults: {restart: {policy: always, backoff: {resetAfter: 500ms}, budget: {attempts: 0}}}"
  echo "services:"
  local name
  for name in $(names_of holdfast "$1"); do
    echo "  $name: {command: [$BENCH/bench-service, $FIFO, $name]}"
  done
}
launch_holdfast() {
  holdfast_config "$1" >"$WORK/holdfast.yaml"
  serve_holdfast "$1"
}
serve_holdfast() { serve holdfast "$API_PORT" "$1"; }
end_holdfast() { end_served holdfast "$API_PORT"; }

serve() {  # serve NAME PORT COUNT: a controller of $WORK/NAME.yaml, with a new state
  rm -rf "$WORK/$1.state"
  launch "$1" "$3" "$BIN/holdfast" serve --config "$WORK/$1.yaml" --state-dir "$WORK/$1.state" \
    --listen "127.0.0.1:$2" --metrics-listen "unix:$WORK/$1.metrics" --log-level warning
}
end_served() {  # end_served NAME PORT
  [[ -n ${PIDS[$1]:-} ]] || return 0
  "$BIN/holdfast" --server "http://127.0.0.1:$2" stop --all --timeout 110 >/dev/null || true
  end_by TERM "$1"
}

launch_runit() {
  service_directories runit "$1"
  launch runit "$1" runsvdir "$WORK/runit"
}
end_runit() { end_by HUP runit; }

launch_s6() {
  service_directories s6 "$1"
  launch s6 "$1" s6-svscan "$WORK/s6"
}
end_s6() { end_by TERM s6; }

launch_supervisord() {
  {
    printf '[supervisord]\nnodaemon=true\npidfile=%s\nlogfile=/dev/null\nlogfile_maxbytes=0\n' "$WORK/supervisord.pid"
    local name
    for name in $(names_of supervisord "$1"); do
      printf '[program:%s]\ncommand=%s %s %s\nautorestart=true\n' "$name" "$BENCH/bench-service" "$FIFO" "$name"
    done
  } >"$WORK/supervisord.conf"
  launch supervisord "$1" supervisord -c "$WORK/supervisord.conf"
}
end_supervisord() { end_by TERM supervisord; }

launch_pm2() {  # its client starts a daemon of its own and ends
  PM2_HOME=$WORK/pm2 "$PM2" start "$BENCH/bench-service" --name pm2 --interpreter none -- "$FIFO" pm2 >"$WORK/pm2.log"
  PIDS[pm2]=$(<"$WORK/pm2/pm2.pid")
  "$BENCH/bench-driver" await "$FIFO" 1
}
end_pm2() {
  [[ -n ${PIDS[pm2]:-} ]] || return 0
  unset 'PIDS[pm2]'
  PM2_HOME=$WORK/pm2 "$PM2" kill >/dev/null
}

end_all() {
  local name pid
  for name in "${!PIDS[@]}"; do "end_$name"; done
  # Whoever is left over when a measurement failed half-way.
  [[ -e $FIFO.known ]] || return 0
  while read -r name pid _; do
    if [[ $(readlink "/proc/$pid/exe") == "$BENCH/bench-service" ]]; then kill -9 "$pid"; fi
  done <"$FIFO.known"
}
