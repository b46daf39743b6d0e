#!/usr/bin/env bash
# A kind cluster with Pumpjack, simulated devices and two tenants. Again: only what changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/kind/environment.sh
. "$here/environment.sh"
cd "$PUMPJACK_REPOSITORY"
readonly NAMESPACE=pumpjack
readonly CLUSTER_S=180 READY_S=600 FLOWING_S=300
readonly made=${XDG_CACHE_HOME:-$HOME/.cache}/pumpjack/kind # by images.sh: values.yaml and field.yaml
read -r rest_port ws_port <<<"$(sed -n 's/.*hostPort: \([0-9]*\).*/\1/p' kind-config.yaml | xargs)"

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
  for port in $rest_port $ws_port; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      fail "Something listens on 127.0.0.1:$port, where the gateway is to be reached. End it (\`pumpjack demo\`?), or change hostPort in kind-config.yaml."
    fi
  done
  [ -z "${PUMPJACK_KIND_NODE_IMAGE:-}" ] || image=(--image "$PUMPJACK_KIND_NODE_IMAGE")
  say "making the cluster"
  kind create cluster --config "${PUMPJACK_KIND_CONFIG:-kind-config.yaml}" ${image[@]+"${image[@]}"} --wait ${CLUSTER_S}s --retain --quiet ||
    fail "kind made no cluster; its reason is above. \`make kind-debug\` gathers more, \`make kind-down\` clears away what there is of it."
}

install_chart() { # only when the chart, its values or the images differ from what is there
  local wanted
  wanted=$(find charts/pumpjack deploy/kind/values.yaml "$made/values.yaml" -type f -print0 |
    LC_ALL=C sort -z | xargs -0 cat | cksum | tr -d ' ')
  if helm --kube-context "$PUMPJACK_CONTEXT" -n $NAMESPACE status pumpjack --output json 2>/dev/null |
    grep -q "\"description\":\"$wanted\",\"status\":\"deployed\""; then
    say "the chart is installed"
    return
  fi
  say "installing the chart"
  helm --kube-context "$PUMPJACK_CONTEXT" upgrade --install pumpjack charts/pumpjack -n $NAMESPACE \
    -f deploy/kind/values.yaml -f "$made/values.yaml" --description "$wanted" >/dev/null ||
    fail "Helm installed nothing. \`make kind-debug\` gathers why."
}

wait_ready() { # the release and the simulated field
  local deployment
  for deployment in $(in_cluster get deployments --all-namespaces --selector '!k8s-app' \
    --output 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}'); do
    in_cluster -n "${deployment%%/*}" rollout status "deployment/${deployment#*/}" --timeout ${READY_S}s >/dev/null ||
      fail "$deployment is not ready after $READY_S s. \`make kind-debug\` gathers why."
  done
}

[ -n "$PUMPJACK_KIND" ] || choose_way
if [ "$PUMPJACK_KIND" = machine ]; then use_machine prepare; fi
mkdir -p "$(dirname "$PUMPJACK_KIND_WAY_FILE")"
echo "$PUMPJACK_KIND" >"$PUMPJACK_KIND_WAY_FILE"
make_cluster
say "building the images, and loading what the cluster does not have"
deploy/kind/images.sh >/dev/null
in_cluster apply --filename deploy/kind/tenants.yaml >/dev/null
install_chart
in_cluster wait --for=condition=Established --timeout 60s crd/scadaconnections.pumpjack.dev crd/tagmappings.pumpjack.dev >/dev/null
say "starting the simulated field, two tenants and their connections"
in_cluster apply --filename "$made/field.yaml" --filename deploy/kind/gateway.yaml >/dev/null
in_cluster kustomize --load-restrictor LoadRestrictionsNone deploy/kind | in_cluster apply --filename - >/dev/null
say "waiting for the system"
wait_ready
say "waiting for readings in the database"
in_cluster wait --for=condition=DataFlowing scadaconnections --all --all-namespaces --timeout ${FLOWING_S}s >/dev/null ||
  fail "Not every connection's readings reach the database after $FLOWING_S s:
$(in_cluster get scadaconnections --all-namespaces)
\`kubectl --context $PUMPJACK_CONTEXT -n NAMESPACE describe scadaconnection NAME\` says why; \`make kind-debug\` gathers all."
say "data flows"

cat <<END

Pumpjack runs in the cluster $PUMPJACK_KIND_CLUSTER: REST on http://127.0.0.1:$rest_port, the WebSocket on ws://127.0.0.1:$ws_port

  . deploy/kind/environment.sh        # for this cluster's kubectl, helm and kind
  kubectl --context $PUMPJACK_CONTEXT get scadaconnections,tagmappings --all-namespaces
  TOKEN=\$(deploy/kind/token.sh permian)
  curl -H "Authorization: Bearer \$TOKEN" http://127.0.0.1:$rest_port/api/scada/wells
  curl -H "Authorization: Bearer \$TOKEN" "http://127.0.0.1:$rest_port/api/scada/latest?wellId=permian-a1"
  deploy/kind/token.sh bakken         # the other tenant's: it sees nothing of permian
  make kind-down                      # remove it
END
