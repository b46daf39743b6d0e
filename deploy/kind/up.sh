#!/usr/bin/env bash
# A kind cluster with Pumpjack, simulated devices and two tenants. Again: only what changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/environment.sh"
cd "$PUMPJACK_REPOSITORY"
readonly NAMESPACE=pumpjack READY_S=300 FLOWING_S=300

say() { printf '%4d s  %s\n' "$SECONDS" "$*" >&2; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

choose_way() { # Docker and a registry, or this machine alone
  local base missing=()
  if docker info >/dev/null 2>&1; then
    base=$(sed -n 's/^ARG BASE=//p' Containerfile)
    if docker image inspect "$base" >/dev/null 2>&1 || docker pull --quiet "$base" >/dev/null; then
      for tool in kind helm kubectl; do command -v $tool >/dev/null || missing+=("$tool"); done
      [ ${#missing[@]} -eq 0 ] || fail "Install ${missing[*]}, then run this again."
      PUMPJACK_KIND=docker
      return
    fi
    say "Docker is here, and $base cannot be pulled: everything is made on this machine"
  else
    say "Docker does not answer: everything is made on this machine"
  fi
  [ "$(uname -s)" = Linux ] || fail "Start Docker, then run this again; without it a cluster is made on Linux only."
  PUMPJACK_KIND=machine
}

cluster_is_there() { kind get clusters 2>/dev/null | grep -qx "$PUMPJACK_KIND_CLUSTER"; }

make_cluster() {
  local image=()
  if cluster_is_there; then
    in_cluster get --raw /readyz >/dev/null 2>&1 ||
      fail "The cluster $PUMPJACK_KIND_CLUSTER is there and does not answer. \`make kind-debug\` gathers why; \`make kind-down\`, then this again, makes a new one."
    say "the cluster is there"
    return
  fi
  for port in 4000 4001; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      fail "Something listens on 127.0.0.1:$port, where the gateway is to be reached. End it (\`pumpjack demo\`?), or change hostPort in kind-config.yaml."
    fi
  done
  [ -z "${PUMPJACK_KIND_NODE_IMAGE:-}" ] || image=(--image "$PUMPJACK_KIND_NODE_IMAGE")
  say "making the cluster"
  kind create cluster --config "${PUMPJACK_KIND_CONFIG:-kind-config.yaml}" ${image[@]+"${image[@]}"} --wait 180s --quiet ||
    fail "kind made no cluster. Try \`kind create cluster --config kind-config.yaml --retain -v 3\`, and see https://kind.sigs.k8s.io/docs/user/known-issues/."
}

install_chart() { # only when it, its values or the images differ from what is installed
  local wanted installed
  wanted=$(find charts/pumpjack deploy/kind/values.yaml -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | cat - <(echo "$tag") | sha256sum | cut -c1-16)
  installed=$(helm --kube-context "$PUMPJACK_CONTEXT" -n $NAMESPACE list --deployed --filter '^pumpjack$' --output json | grep -o '"description":"[^"]*"' || true)
  installed=$(helm --kube-context "$PUMPJACK_CONTEXT" -n $NAMESPACE status pumpjack --output json 2>/dev/null | grep -o '"description":"[^"]*"' || true)
  if [ "$installed" = "\"description\":\"$wanted\"" ]; then
    say "the chart is installed"
    return
  fi
  say "installing the chart"
  helm --kube-context "$PUMPJACK_CONTEXT" upgrade --install pumpjack charts/pumpjack -n $NAMESPACE \
    -f deploy/kind/values.yaml --set-string "image.tag=$tag" --description "$wanted" >/dev/null
}

[ -n "$PUMPJACK_KIND" ] || choose_way
say "way: $PUMPJACK_KIND"
if [ "$PUMPJACK_KIND" = machine ]; then use_machine prepare; fi
mkdir -p "$(dirname "$PUMPJACK_KIND_WAY_FILE")"
echo "$PUMPJACK_KIND" >"$PUMPJACK_KIND_WAY_FILE"
make_cluster
