# The figures, each adding its rows to the table; sourced by run.

# row FIGURE HOLDFAST PEERS TARGET VALUE LIMIT [at-least]: met when VALUE is within LIMIT
row() {
  local verdict
  verdict=$(awk -v value="$5" -v limit="$6" -v least="${7:-}" 'BEGIN {
    met = least ? value >= limit : value <= limit
    if (met) print "met"; else printf "missed: %.2f times the limit\n", value / limit }')
  printf '%s|%s|%s|%s|%s\n' "$1" "$2" "$3" "$4" "$verdict" >>"$TABLE"
}
note() { printf '%s|%s|%s|%s|%s\n' "$1" "$2" "$3" "" "" >>"$TABLE"; }
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# ---- 1. crash to restart

figure_restart() {
  local name kills p50 p99 peers="" mine99=0
  local -A median_of=()
  for name in holdfast runit s6 supervisord pm2; do "launch_$name" 1; done
  # 1.3 s between two kills of one service: all throttles (runit and s6: one start a second) stay out of it.
  # s6 and supervisord take a second each, so they are killed in every tenth round.
  while read -r name kills p50 p99; do
    median_of[$name]=$p50
    if [[ $name == holdfast ]]; then mine99=$p99; else peers+="$name $p50/$p99 "; fi
  done < <("$BENCH/bench-driver" restarts "$FIFO" "${ROUNDS:-120}" 1300 holdfast runit pm2 s6/10 supervisord/10)
  row "crash to restart, p50/p99 ms" "${median_of[holdfast]}/$mine99" "$peers" "p50 <= 2x runit" \
    "${median_of[holdfast]}" "$(calc "2 * ${median_of[runit]}")"
}

# ---- 2. the facade's status

wrk_once() {  # prints "REQUESTS_PER_SECOND P99_MS"
  # Without the header, Pistache says that it closes each connection, and wrk makes a new one per request.
  wrk -t1 -c16 -H 'Connection: keep-alive' -d"${1}s" --latency "$2" | awk '
    $1 == "99%" { v = $2; p99 = v ~ /us$/ ? v / 1000 : v ~ /ms$/ ? v + 0 : v * 1000 }
    $1 == "Requests/sec:" { rate = $2 }
    END { print rate, p99 }'
}
figure_status() {
  local port=$((API_PORT + 1)) url=http://127.0.0.1:$API_PORT/api/streaming/status bare i
  facade_config >"$WORK/holdfast.yaml"
  serve_holdfast 1
  sleep 2  # the first samples of CPU and memory are in the body
  curl -sf "$url" >"$WORK/body"
  # Two threads: as many as Holdfast's API has.
  "$BENCH/bench-pistache" "$port" 2 "$WORK/body" &
  PIDS[bare]=$!
  bare=http://127.0.0.1:$port/
  wrk_once 2 "$url" >/dev/null
  wrk_once 2 "$bare" >/dev/null
  for ((i = 0; i < 7; ++i)); do
    wrk_once 3 "$url" >>"$WORK/wrk.holdfast"
    wrk_once 3 "$bare" >>"$WORK/wrk.bare"
  done
  local mine theirs mine99 theirs99
  mine=$(cut -d' ' -f1 "$WORK/wrk.holdfast" | median)
  theirs=$(cut -d' ' -f1 "$WORK/wrk.bare" | median)
  mine99=$(cut -d' ' -f2 "$WORK/wrk.holdfast" | median)
  theirs99=$(cut -d' ' -f2 "$WORK/wrk.bare" | median)
  row "GET status ($(stat -c %s "$WORK/body") bytes), requests/s" "$mine" "bare Pistache $theirs" ">= 90 % of it" \
    "$(calc "$mine / $theirs" 3)" 0.9 at-least
  row "GET status, p99 ms" "$mine99" "bare Pistache $theirs99" "<= 2 ms" "$mine99" 2
}
end_bare() { end_by TERM bare; }

# ---- 3. start and restart through the facade

# The service of the facade dies at once while there is a file named broken.
facade_config() {
  cat <<YAML
apiVersion: holdfast/v1
streaming: {service: streaming}
services:
  streaming:
    command: [/bin/sh, -c]
    args:
      - "if [ -e $WORK/broken ]; then echo the disk is on fire >&2; exit 3; fi; exec $BENCH/bench-service $FIFO streaming"
    restart: {budget: {attempts: 0}}
YAML
}
figure_facade() {
  local what p50 max
  facade_config >"$WORK/holdfast.yaml"
  serve_holdfast 1
  while read -r what p50 max; do
    row "facade $what, answer after the service is up, p50/max ms" "$p50/$max" "the first system $(
      [[ $what == start ]] && echo 1000 || echo 2100)" "<= 300 ms" "$max" 300
  done < <("$BENCH/bench-driver" facade "$FIFO" "$API_PORT" 20)
  touch "$WORK/broken"
  read -r _ p50 what < <("$BENCH/bench-driver" failure "$FIFO" "$API_PORT")
  rm "$WORK/broken"
  row "facade start of what dies at once: success:false with stderr, ms" "$p50, $what" "" "told" \
    "$([[ $what == told ]] && echo 1 || echo 2)" 1
}

# ---- 4. an idle controller

cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }
figure_idle() {
  local pid before ticks resident shims
  launch_holdfast 100
  pid=${PIDS[holdfast]}
  sleep 20  # every service has been sampled, the last start has been written
  before=$(cpu_ticks "$pid")
  sleep "${IDLE_SECONDS:-60}"
  ticks=$(($(cpu_ticks "$pid") - before))
  resident=$(awk '/^Rss:/ { print $2 }' "/proc/$pid/smaps_rollup")
  shims=$(for shim in $(pgrep -x holdfast-shim -P "$pid"); do
    awk '/^Private_(Clean|Dirty):/ { sum += $2 } END { print sum }' "/proc/$shim/smaps_rollup"
  done | awk '{ sum += $1 } END { printf "%.0f", sum / NR }')
  row "idle with 100 services, resident MB" "$(calc "$resident * 1024 / 1000000" 1)" "" "<= 20 MB" \
    "$(calc "$resident * 1024 / 1000000" 3)" 20
  row "idle with 100 services, % of one core" \
    "$(calc "$ticks * 100 / $(getconf CLK_TCK) / ${IDLE_SECONDS:-60}" 3)" "" "<= 0.2 %" \
    "$(calc "$ticks * 100 / $(getconf CLK_TCK) / ${IDLE_SECONDS:-60}" 4)" 0.2
  row "a shim's private memory, mean of 100, KB" "$shims" "" "<= 150 KB" "$shims" 150
}

# ---- 5. a thousand services

figure_thousand() {
  local count=1000 name start_mine start_theirs back_mine back_theirs
  for _ in 1 2 3; do
    for name in runit holdfast; do
      rm -f "$FIFO.known"
      "launch_$name" $count
      echo "$LAST_MS" >>"$WORK/start.$name"
      for _ in 1 2 3; do
        sleep 3  # no throttle is met
        "$BENCH/bench-driver" crash "$FIFO" $count >>"$WORK/back.$name"
      done
      sleep 2
      "end_$name"
      rm -rf "$WORK/runit"
    done
  done
  start_mine=$(median <"$WORK/start.holdfast") start_theirs=$(median <"$WORK/start.runit")
  back_mine=$(median <"$WORK/back.holdfast") back_theirs=$(median <"$WORK/back.runit")
  row "1,000 services: start all, ms" "$start_mine" "runsvdir $start_theirs" "<= 2x" \
    "$start_mine" "$(calc "2 * $start_theirs")"
  row "1,000 services: kill all, all back, ms" "$back_mine" "runsvdir $back_theirs" "<= 2x" \
    "$back_mine" "$(calc "2 * $back_theirs")"
}

# ---- 6. the loop

figure_loop() {
  local what us
  local -A few=() many=()
  while read -r what us; do few[$what]=$us; done < <("$BENCH/bench-loop" 100)
  while read -r what us; do many[$what]=$us; done < <("$BENCH/bench-loop" 10000)
  for what in crash restart; do
    row "10,000 fake services: a $what, CPU us" "${many[$what]}" "with 100: ${few[$what]}" "ratio <= 1.3" \
      "$(calc "${many[$what]} / ${few[$what]}")" 1.3
  done
  row "10,000 fake services: an edit through the API, CPU us" "${many[edit]}" "with 100: ${few[edit]}" "ratio <= 1.3" \
    "$(calc "${many[edit]} / ${few[edit]}")" 1.3
  row "10,000 fake services: full resync, CPU ms" "$(calc "${many[resync]} / 1000" 1)" "" "<= 150 ms" \
    "$(calc "${many[resync]} / 1000")" 150
}
