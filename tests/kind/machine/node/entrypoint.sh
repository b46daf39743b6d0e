#!/bin/bash
# The node's first process, instead of systemd: the container runtime, the system's images, the
# kubelet, what gives volumes and what enforces NetworkPolicies. Logs are /var/log/NAME.log.
set -eu

keep() { # NAME COMMAND...: a second after it ends, it is started again
  local name=$1
  shift
  while :; do
    "$@" >>"/var/log/$name.log" 2>&1 || true
    echo "$name ended" >>"/var/log/$name.log"
    sleep 1
  done
}

wait_for() { # FILE...
  local file
  for file; do
    until [ -f "$file" ]; do sleep 0.5; done
  done
}

share_cgroups() { # cgroup v2: a group with processes of its own gives its children no controllers
  [ -f /sys/fs/cgroup/cgroup.controllers ] || return 0
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs || true
  sed -e 's/ / +/g' -e 's/^/+/' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
}

import_images() {
  local archive
  for archive in /kind/images/*.tar; do
    ctr -n k8s.io images import "$archive" >/dev/null
  done
  touch /run/images-imported # kubeadm waits for it
}

kubelet_of_kubeadm() {
  wait_for /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env
  . /var/lib/kubelet/kubeadm-flags.env
  # shellcheck disable=SC2086 # one variable holds all its flags
  kubelet --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
    --kubeconfig=/etc/kubernetes/kubelet.conf --config=/var/lib/kubelet/config.yaml \
    $KUBELET_KUBEADM_ARGS
}

volumes() {
  wait_for /etc/kubernetes/admin.conf
  /kind/volumes.sh
}

policies() {
  wait_for /etc/kubernetes/admin.conf
  python3 -u /kind/policies.py
}

trap 'exit 0' TERM INT
mount --make-rshared /
share_cgroups
keep containerd containerd &
until ctr version >/dev/null 2>&1; do sleep 0.2; done
echo "Reached target Multi-User System." # kind waits for this line of systemd's
import_images
keep kubelet kubelet_of_kubeadm &
keep volumes volumes &
keep policies policies &
wait
