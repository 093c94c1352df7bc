# The programs that a cluster is made of, for the script of that name; sourced, not run. For each PART start_PART
# starts it, and ready_PART succeeds once it does what it is there for.
API_IP=10.199.0.1 SERVICES=10.96.0 NODE=node1

inside() { nsenter "--net=$dir/netns" env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY "$@"; }
api() {
  inside curl -fsS --max-time 5 --cacert "$dir/pki/ca.crt" -H "Authorization: Bearer $(token admin)" \
    "https://$API_IP:6443$1"
}

launch() {  # launch PART command...: in the namespace, with an environment that is the same everywhere
  setsid nsenter "--net=$dir/netns" env -i "PATH=$PATH" "${@:2}" >>"$dir/logs/$1" 2>&1 </dev/null &
  echo $! >"$dir/pids/$1"
  disown
}

# Sockets in the file system can be reached from other network namespaces. The next relay has the port of the first one.
start_gate() {
  launch gate socat "UNIX-LISTEN://$dir/api.sock,fork,unlink-early,backlog=128" "TCP:$API_IP:6443,nodelay"
}
ready_gate() { [[ -S $dir/api.sock ]]; }
start_relay() {
  : >"$dir/logs/relay"
  local port
  port=$(cat "$dir/port" 2>/dev/null || echo 0)
  setsid socat -d -d "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork,backlog=128,nodelay" \
    "UNIX-CONNECT://$dir/api.sock" >>"$dir/logs/relay" 2>&1 </dev/null &
  echo $! >"$dir/pids/relay"
  disown
}
ready_relay() {
  local port
  port=$(sed -nE '/.* listening on .*127\.0\.0\.1:([0-9]+)$/{s//\1/p;q}' "$dir/logs/relay")
  [[ -n $port ]] && echo "$port" >"$dir/port"
}

start_etcd() { launch etcd etcd --data-dir "$dir/etcd" --log-level warn; }
ready_etcd() { inside curl -fsS --max-time 5 http://127.0.0.1:2379/health; }

start_apiserver() {
  local flags=("${API_FLAGS[@]}")
  # Nobody there makes the accounts that pods would have to have.
  [[ $PARTS != api ]] || flags+=(--disable-admission-plugins=ServiceAccount)
  launch apiserver "$BIN/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
    --bind-address="$API_IP" --secure-port=6443 --advertise-address="$API_IP" \
    --service-cluster-ip-range="$SERVICES.0/24" \
    --tls-cert-file "$dir/pki/server.crt" --tls-private-key-file "$dir/pki/server.key" \
    --token-auth-file "$dir/pki/tokens" --authorization-mode=RBAC --allow-privileged \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file "$dir/pki/accounts.key" \
    --service-account-signing-key-file "$dir/pki/accounts.key" \
    --kubelet-preferred-address-types=InternalIP "${flags[@]}"
}
ready_apiserver() { api /readyz && api /api/v1/namespaces/default; }

start_controller-manager() {
  local flags=()
  [[ $PARTS != api ]] || flags+=(--controllers=namespace)
  launch controller-manager "$BIN/kube-controller-manager" --kubeconfig "$dir/inside.kubeconfig" --leader-elect=false \
    --kube-api-qps=500 --kube-api-burst=500 --bind-address=127.0.0.1 --port=0 \
    --service-account-private-key-file "$dir/pki/accounts.key" --root-ca-file "$dir/pki/ca.crt" "${flags[@]}"
}
ready_controller-manager() { inside curl -fsSk --max-time 5 https://127.0.0.1:10257/healthz; }

start_scheduler() {
  launch scheduler "$BIN/kube-scheduler" --kubeconfig "$dir/inside.kubeconfig" --leader-elect=false \
    --kube-api-qps=500 --kube-api-burst=500 --bind-address=127.0.0.1 --port=0
}
ready_scheduler() { inside curl -fsSk --max-time 5 https://127.0.0.1:10259/healthz; }

start_engine() { "$HERE/../docker_world/engine" up "$dir" ${IMAGES:+--images "$IMAGES"} >/dev/null; }

# Limits and intervals are those of a cluster in which something happens all the time. What is seen from outside of
# DIR are the cgroups, below one that is DIR's.
kubelet_settings() {
  cat <<YML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $API_IP
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
tlsCertFile: $dir/pki/server.crt
tlsPrivateKeyFile: $dir/pki/server.key
cgroupDriver: cgroupfs
cgroupRoot: /$(world_id "$dir")
volumePluginDir: $dir/kubelet/plugins
featureGates: {DevicePlugins: false}
oomScoreAdj: 0
failSwapOn: false
nodeStatusUpdateFrequency: 1s
kubeAPIQPS: 500
kubeAPIBurst: 500
eventRecordQPS: 0
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi}
clusterDomain: cluster.local
clusterDNS: [$API_IP]
YML
}
make_cgroups() {
  local top
  for top in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [[ ! -e $top/cgroup.procs || -L $top ]] || mkdir -p "$top/$(world_id "$dir")"
  done
}
start_kubelet() {
  local root
  make_cgroups
  mkdir -p "$dir"/kubelet/pod-logs{,-links}
  kubelet_settings >"$dir/kubelet.yaml"  # in block style: what begins with { would have to be JSON
  read -ra root <<<"$(world_root "$dir")"  # where the engine is: it has to see the volumes
  # Without the first variable it looks for a cloud for 5 s.
  launch kubelet AWS_EC2_METADATA_DISABLED=true "KUBELET_POD_LOGS=$dir/kubelet/pod-logs" "${root[@]}" \
    "$BIN/kubelet" --config "$dir/kubelet.yaml" --kubeconfig "$dir/inside.kubeconfig" --root-dir "$dir/kubelet" \
    --cert-dir "$dir/pki" --hostname-override=$NODE --node-ip="$API_IP" --housekeeping-interval=1s \
    --container-runtime=docker --docker-endpoint "unix://$dir/docker.sock" --docker="unix://$dir/docker.sock" \
    --container-runtime-endpoint="unix://$dir/dockershim.sock" \
    --experimental-dockershim-root-directory="$dir/kubelet/dockershim" \
    --pod-infra-container-image=holdfast-test:sandbox --maximum-dead-containers-per-container=2
}
ready_kubelet() { [[ $(api /api/v1/nodes/$NODE | tr -d ' \n') == *'"type":"Ready","status":"True"'* ]]; }

start_proxy() {
  launch proxy "$BIN/kube-proxy" --kubeconfig "$dir/inside.kubeconfig" --proxy-mode=iptables --hostname-override=$NODE \
    --bind-address="$API_IP" --oom-score-adj=0 --nodeport-addresses="127.0.0.0/8,$API_IP/32" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}
ready_proxy() { inside curl -fsS --max-time 5 "http://$API_IP:10256/healthz"; }
