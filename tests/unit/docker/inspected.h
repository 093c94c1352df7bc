// What Docker Engine 20.10.24 told of a container (GET /containers/{id}/json), but for the paths of its
// storage and its state, which is made that of a running one; and the declaration that it was made for.
#pragma once

#include <string>

#include "controller/model/service_spec.h"
#include "runtimes/docker/client/client.h"

namespace holdfast::docker::test {

inline const char* const kInspected = R"json({
  "Id": "57c1975f506531faca39e1742ec078bb858b16550592dabea00d013f1c95eb56",
  "Created": "2026-11-25T13:47:41.166582701Z", "Path": "/bin/sh", "Args": ["-c", "exec sleep 1000"],
  "State": {
    "Status": "running", "Running": true, "Paused": false, "Restarting": false, "OOMKilled": false,
    "Dead": false, "Pid": 4321, "ExitCode": 0, "Error": "", "StartedAt": "2026-11-25T13:47:42.500000001Z",
    "FinishedAt": "0001-01-01T00:00:00Z"
  },
  "Image": "sha256:24e8553599ff7ca99c4788da7326a60fec0d92a663488dcdee18619fc47850da", "ResolvConfPath": "",
  "HostnamePath": "", "HostsPath": "", "LogPath": "", "Name": "/holdfast-web-0", "RestartCount": 0,
  "Driver": "overlay2", "Platform": "linux", "MountLabel": "", "ProcessLabel": "", "AppArmorProfile": "",
  "ExecIDs": null,
  "HostConfig": {
    "Binds": ["/srv/data:/data:ro", "cache-vol:/var/cache"], "ContainerIDFile": "",
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}}, "NetworkMode": "none",
    "PortBindings": {
      "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
      "9000/udp": [{"HostIp": "", "HostPort": "9000"}], "9001/udp": [{"HostIp": "", "HostPort": "9001"}]
    },
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}, "AutoRemove": false, "VolumeDriver": "",
    "VolumesFrom": null, "CapAdd": ["CAP_NET_ADMIN"], "CapDrop": ["CAP_MKNOD"], "CgroupnsMode": "host",
    "Dns": [], "DnsOptions": [], "DnsSearch": [], "ExtraHosts": null, "GroupAdd": null,
    "IpcMode": "private", "Cgroup": "", "Links": null, "OomScoreAdj": 0, "PidMode": "", "Privileged": false,
    "PublishAllPorts": false, "ReadonlyRootfs": true, "SecurityOpt": null, "Tmpfs": {"/run": "size=1m"},
    "UTSMode": "", "UsernsMode": "", "ShmSize": 67108864, "Runtime": "runc", "ConsoleSize": [0, 0],
    "Isolation": "", "CpuShares": 0, "Memory": 67108864, "NanoCpus": 500000000, "CgroupParent": "",
    "BlkioWeight": 0, "BlkioWeightDevice": [], "BlkioDeviceReadBps": [], "BlkioDeviceWriteBps": [],
    "BlkioDeviceReadIOps": [], "BlkioDeviceWriteIOps": [], "CpuPeriod": 0, "CpuQuota": 0,
    "CpuRealtimePeriod": 0, "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": [],
    "DeviceCgroupRules": null, "DeviceRequests": null, "KernelMemory": 0, "KernelMemoryTCP": 0,
    "MemoryReservation": 0, "MemorySwap": 67108864, "MemorySwappiness": null, "OomKillDisable": false,
    "PidsLimit": 50, "Ulimits": [], "CpuCount": 0, "CpuPercent": 0, "IOMaximumIOps": 0,
    "IOMaximumBandwidth": 0,
    "MaskedPaths": [
      "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
      "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"
    ],
    "ReadonlyPaths": [
      "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"
    ],
    "Init": true
  },
  "Mounts": [
    {
      "Type": "bind", "Source": "/srv/data", "Destination": "/data", "Mode": "ro", "RW": false,
      "Propagation": "rslave"
    },
    {
      "Type": "volume", "Name": "cache-vol", "Source": "/var/lib/docker/volumes/cache-vol/_data",
      "Destination": "/var/cache", "Driver": "local", "Mode": "z", "RW": true, "Propagation": ""
    },
    {
      "Type": "volume", "Name": "164963e32b8fb58d4300d34853f0468fbc007cf2494b76748fac2b08da7ab461",
      "Source": "/var/lib/docker/volumes/164963e32b8fb58d4300d34853f0468fbc007cf2494b76748fac2b08da7ab461/_data",
      "Destination": "/scratch", "Driver": "local", "Mode": "", "RW": true, "Propagation": ""
    }
  ],
  "Config": {
    "Hostname": "webhost", "Domainname": "", "User": "1000:1000", "AttachStdin": false,
    "AttachStdout": true, "AttachStderr": true,
    "ExposedPorts": {"80/tcp": {}, "9000/udp": {}, "9001/udp": {}}, "Tty": false, "OpenStdin": false,
    "StdinOnce": false,
    "Env": [
      "A=b=c", "TOKEN=very-secret", "PASSWORD_FILE=/run/secrets/PASSWORD", "PATH=/bin"
    ],
    "Cmd": ["-c", "exec sleep 1000"], "Image": "holdfast-test:1", "Volumes": {"/scratch": {}},
    "WorkingDir": "/srv", "Entrypoint": ["/bin/sh"], "OnBuild": null,
    "Labels": {
      "holdfast.controller": "0123456789abcdef", "holdfast.incarnation": "3", "holdfast.ordinal": "0",
      "holdfast.service": "web", "holdfast.spec-hash": "hash"
    }
  },
  "NetworkSettings": {
    "Bridge": "", "SandboxID": "", "HairpinMode": false, "LinkLocalIPv6Address": "",
    "LinkLocalIPv6PrefixLen": 0, "Ports": {}, "SandboxKey": "", "SecondaryIPAddresses": null,
    "SecondaryIPv6Addresses": null, "EndpointID": "", "Gateway": "", "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0, "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "MacAddress": "",
    "Networks": {
      "none": {
        "IPAMConfig": null, "Links": null, "Aliases": null, "NetworkID": "", "EndpointID": "",
        "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0, "MacAddress": "", "DriverOpts": null
      }
    }
  }
})json";

inline Json inspected() {
  return parse_json(kInspected).value();
}

inline ServiceSpec inspected_spec() {
  ServiceSpec spec;
  spec.name = "web";
  spec.spec_hash = "hash";
  spec.argv = {"-c", "exec sleep 1000"};
  spec.env = {{"A", "b=c"}, {"TOKEN", "very-secret"}, {"PASSWORD", SecretRef{.name = "/etc/pw", .key = {}}}};
  spec.working_dir = "/srv";
  spec.user = "1000:1000";
  spec.resources = {.cpu_millis = 500, .memory_bytes = 64 << 20, .pids = 50};
  auto& docker = spec.docker;
  docker.image = "holdfast-test:1";
  docker.entrypoint = {"/bin/sh"};
  docker.hostname = "webhost";
  docker.network = "none";
  docker.volumes = {"/srv/data:/data:ro", "cache-vol:/var/cache", "/scratch"};
  docker.ports = {"127.0.0.1:8080:80", "9000-9001:9000-9001/udp"};
  docker.cap_add = {"NET_ADMIN"};
  docker.cap_drop = {"CAP_MKNOD"};
  docker.tmpfs = {"/run:size=1m"};
  docker.read_only = true;
  docker.init = true;
  return spec;
}

}  // namespace holdfast::docker::test
