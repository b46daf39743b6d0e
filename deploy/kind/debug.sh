#!/usr/bin/env bash
# Events, logs and objects of the cluster in one folder; no Secret's contents. It takes what it can
# get: what cannot be had is named in failed.txt, so that it also works for half a cluster.
#   debug.sh [FOLDER]
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/kind/environment.sh
. "$here/environment.sh"
readonly LIMIT_S=20 LOG_LINES=5000
folder=${1:-$PUMPJACK_REPOSITORY/.pumpjack/kind-debug/$(date +%Y%m%d-%H%M%S)}
mkdir -p "$folder"/{objects,logs,node} && cd "$folder" || exit 1

get() { # FILE COMMAND...: its output, or why there is none
  local file=$1
  shift
  timeout -k 5 $LIMIT_S "$@" >"$file" 2>"$file.err" || echo "$*: $(tail -n 1 "$file.err")" >>failed.txt
  [ -s "$file" ] || rm -f "$file"
  rm -f "$file.err"
}

get_cluster() { # FILE ARGUMENTS...
  local file=$1
  shift
  get "$file" kubectl --context "$PUMPJACK_CONTEXT" --request-timeout ${LIMIT_S}s "$@"
}

logs() { # now, and of the container that ran before it
  local namespace pod container
  while read -r namespace pod container; do
    get_cluster "logs/$namespace.$pod.$container.log" -n "$namespace" logs "$pod" -c "$container" --tail $LOG_LINES --timestamps
    timeout -k 5 $LIMIT_S kubectl --context "$PUMPJACK_CONTEXT" -n "$namespace" logs "$pod" -c "$container" \
      --previous --tail $LOG_LINES --timestamps >"logs/$namespace.$pod.$container.previous.log" 2>/dev/null ||
      rm -f "logs/$namespace.$pod.$container.previous.log"
  done < <(sed -n 's/^container //p' containers.txt)
}

node() { # of the way without systemd, each program's log is a file; kind's own node has a journal
  local engine=docker name=$PUMPJACK_KIND_CLUSTER-control-plane log
  [ "$PUMPJACK_KIND" != machine ] || engine=podman
  get node/containers.txt $engine ps --all
  get node/entrypoint.log $engine logs "$name"
  get node/processes.txt $engine exec "$name" ps -ef
  get node/nftables.txt $engine exec "$name" nft list ruleset
  get node/kubelet.log $engine exec "$name" sh -c 'if [ -f /var/log/kubelet.log ]; then cat /var/log/kubelet.log; else journalctl --unit kubelet --no-pager; fi'
  for log in containerd volumes policies; do
    [ "$PUMPJACK_KIND" != machine ] || get node/$log.log $engine exec "$name" cat /var/log/$log.log
  done
}

get_cluster overview.txt get nodes,pods,deployments,statefulsets,jobs,services,persistentvolumeclaims,persistentvolumes,networkpolicies --all-namespaces --output wide
get_cluster connections.txt get scadaconnections,tagmappings --all-namespaces
get_cluster events.txt get events --all-namespaces --sort-by .lastTimestamp
get_cluster pods.txt describe pods --all-namespaces
for kind in nodes namespaces pods deployments statefulsets jobs services endpointslices configmaps \
  serviceaccounts roles rolebindings persistentvolumeclaims persistentvolumes storageclasses networkpolicies \
  poddisruptionbudgets leases validatingadmissionpolicies scadaconnections.pumpjack.dev tagmappings.pumpjack.dev; do
  get_cluster "objects/$kind.yaml" get "$kind" --all-namespaces --output yaml
done
get_cluster secrets.txt get secrets --all-namespaces # their names alone
get_cluster containers.txt get pods --all-namespaces --output 'go-template={{range .items}}{{$pod := .}}{{range .spec.initContainers}}container {{$pod.metadata.namespace}} {{$pod.metadata.name}} {{.name}}{{"\n"}}{{end}}{{range .spec.containers}}container {{$pod.metadata.namespace}} {{$pod.metadata.name}} {{.name}}{{"\n"}}{{end}}{{end}}'
get release.txt helm --kube-context "$PUMPJACK_CONTEXT" -n pumpjack history pumpjack
[ ! -f containers.txt ] || logs
rm -f containers.txt
node
echo "$folder"
