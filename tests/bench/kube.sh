# shellcheck shell=bash
# The figures of a cluster, against an API server of their own; sourced by run, which has figures.sh and docker.sh too.
# Nothing but that server runs there: no pod ever starts, and what a Deployment's controller and a kubelet would say is
# written by bench-kube. So what is measured is Holdfast and the API server, and nothing else.
KUBE_FIGURES=(kube-edit kube-failure kube-1000 kube-failover)
KUBE_PACKAGES=(openssl iproute2 util-linux mount golang-1.19-go dpkg-dev etcd-server socat)

kube_up() {  # kube_up NAMESPACE
  unset HOLDFAST_TEST_KUBECONFIG
  tests/support/kube_world/cluster up "$WORK/kube" >/dev/null
  export KUBECONFIG=$WORK/kube/admin.kubeconfig POD_NAMESPACE=$1
  kubectl get namespace "$1" >/dev/null 2>&1 || kubectl create namespace "$1" >/dev/null
}
kube_down() { [[ ! -d $WORK/kube ]] || tests/support/kube_world/cluster down "$WORK/kube"; }
kubectl() { "$WORK/kube/tools/kubectl" --namespace "$POD_NAMESPACE" "$@"; }

kube_config() {  # kube_config NAME...
  echo "apiVersion: holdfast/v1"
  echo "services:"
  local name
  for name in "$@"; do
    echo "  $name: {runtime: kubernetes, args: [--name, $name], env: {MODE: bench, DIRECTORY: /data}, health: {readiness:" \
      "{http: {port: 8080, path: /healthz}}}, resources: {cpu: '1', memory: 256Mi}," \
      "kubernetes: {image: 'example.org/bench:1', namespace: $POD_NAMESPACE}}"
  done
}
kube_serve() {  # kube_serve NAME PORT [option...]: as serve, with the state that there is
  "$BIN/holdfast" serve --config "$WORK/$1.yaml" --state-dir "$WORK/$1.state" --listen "127.0.0.1:$2" \
    --metrics-listen "unix:$WORK/$1.metrics" --log-level warning "${@:3}" >>"$WORK/$1.log" 2>&1 9>&- &
  PIDS[$1]=$!
  disown
}
end_kube() { end_by TERM kube; }
end_other() { end_by TERM other; }

kube_web() {  # kube_web NAMESPACE [option...]: the controller kube with the service web, which is well
  kube_up "$1"
  kube_config web >"$WORK/kube.yaml"
  rm -rf "$WORK/kube.state"
  kube_serve kube "$API_PORT" "${@:2}"
  "$BENCH/bench-kube" fill "$1" 1
  "$BENCH/bench-kube" settled "$API_PORT" 1 web
}

# ---- an edit of desired state

kube_edit_row() {  # kube_edit_row NAMESPACE WHERE [option...]
  local mine mine_max bare bare_max
  kube_web "$1" "${@:3}"
  read -r mine mine_max bare bare_max < <("$BENCH/bench-kube" edit "$API_PORT" "$POD_NAMESPACE" "${KUBE_ROUNDS:-40}")
  row "edit kept in $2: until the Deployment is changed, p50/max ms" "$mine/$mine_max" "a bare PATCH $bare/$bare_max" \
    "p50 <= 20 ms over" "$(calc "$mine - $bare")" 20
  end_kube
}
figure_kube_edit() {
  kube_edit_row edit "the state directory"
  kube_up edit-map
  kubectl create configmap holdfast >/dev/null
  kube_edit_row edit-map "a ConfigMap" --config-map edit-map/holdfast
}

# ---- a pod that fails

figure_kube_failure() {
  local p50 max
  kube_web failure
  read -r p50 max < <("$BENCH/bench-kube" failure "$API_PORT" failure "${KUBE_ROUNDS:-40}")
  row "a pod's failure: told by the API after a plain watch was told, p50/max ms" "$p50/$max" "" "p50 <= 20 ms" "$p50" 20
}

# ---- a thousand Deployments

# The list calls that the server has answered, of the kinds that Holdfast watches, but for Services: of those the server
# itself asks for two lists every three minutes.
kube_lists() {
  kubectl get --raw /metrics | awk '/^apiserver_request_total.*verb="LIST"/ &&
    /resource="(deployments|pods|horizontalpodautoscalers|events|configmaps)"/ { sum += $NF } END { print sum + 0 }'
}
kube_bare_list() {  # "OBJECTS MS", the median of five
  local _
  for _ in 1 2 3 4 5; do "$BENCH/bench-kube" list thousand; done | sort -k2n | sed -n 3p
}
figure_kube_1000() {
  local count=1000 seconds=${IDLE_SECONDS:-60} services objects listed started pid lists before ticks resident
  kube_up thousand
  mapfile -t services < <(names_of kube $count)
  kube_config "${services[@]}" >"$WORK/kube.yaml"
  rm -rf "$WORK/kube.state"
  kube_serve kube "$API_PORT"
  started=$(took "$BENCH/bench-kube" fill thousand $count)
  "$BENCH/bench-kube" settled "$API_PORT" $count s$((count - 1))
  note "1,000 Deployments: first start, all applied and given a status, ms" "$started" ""
  pid=${PIDS[kube]}
  note "1,000 Deployments: resident MB after that" "$(resident_mb "$pid")" ""
  for _ in 1 2 3; do
    end_kube
    read -r objects listed < <(kube_bare_list)
    started=$EPOCHREALTIME
    kube_serve kube "$API_PORT"
    "$BENCH/bench-kube" settled "$API_PORT" $count s$((count - 1))
    calc "($EPOCHREALTIME - $started) * 1000" 1 >>"$WORK/kube.starts"
    echo >>"$WORK/kube.starts"
    echo "$listed" >>"$WORK/kube.lists"
  done
  started=$(median <"$WORK/kube.starts") listed=$(median <"$WORK/kube.lists")
  row "1,000 Deployments: start until all are shown as ready, ms" "$started" "a list of the $objects objects $listed" \
    "<= 2x" "$started" "$(calc "2 * $listed")"
  pid=${PIDS[kube]}
  sleep 20  # as in figure_idle
  lists=$(kube_lists) before=$(cpu_ticks "$pid")
  sleep "$seconds"
  ticks=$(($(cpu_ticks "$pid") - before)) lists=$(($(kube_lists) - lists)) resident=$(resident_mb "$pid")
  row "1,000 Deployments: idle, resident MB" "$resident" "" "<= 60 MB" "$resident" 60
  row "1,000 Deployments: idle, list calls in $seconds s" "$lists" "" "none" "$lists" 0
  note "1,000 Deployments: idle, % of one core" "$(percent_of_core "$ticks" "$seconds")" ""
}
resident_mb() { awk '/^Rss:/ { printf "%.1f", $2 * 1024 / 1000000 }' "/proc/$1/smaps_rollup"; }

# ---- the leader dies

figure_kube_failover() {
  local name leader round
  local -A port=([kube]=$API_PORT [other]=$((API_PORT + 1)))
  kube_up failover
  kubectl create configmap holdfast >/dev/null
  kube_config web >"$WORK/kube.yaml"
  echo "controller: {leaderElection: {enabled: true}}" >>"$WORK/kube.yaml"
  cp "$WORK/kube.yaml" "$WORK/other.yaml"
  rm -rf "$WORK"/{kube,other}.state
  for ((round = 0; round < ${FAILOVERS:-3}; ++round)); do
    for name in kube other; do
      [[ -z ${PIDS[$name]:-} ]] || continue
      POD_NAME=$name kube_serve "$name" "${port[$name]}" --config-map failover/holdfast
    done
    "$BENCH/bench-kube" fill failover 1  # also of what changed in the round before
    for name in kube other; do "$BENCH/bench-kube" settled "${port[$name]}" 1 web; done
    leader=$(kubectl get lease holdfast --output 'jsonpath={.spec.holderIdentity}')
    leader=${leader%%_*}
    "$BENCH/bench-kube" failover failover "${PIDS[$leader]}" >>"$WORK/failovers"
    unset "PIDS[$leader]"
  done
  read -r round < <(sort -n "$WORK/failovers" | tail -1)
  row "leader killed: until the next one has undone an edit, max of ${FAILOVERS:-3}, s" "$(calc "$round / 1000" 1)" "" \
    "<= lease of 15 s + 2 s" "$(calc "$round / 1000" 3)" 17
}
