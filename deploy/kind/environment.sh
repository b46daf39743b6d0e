# shellcheck shell=bash
# Sourced by the scripts beside it, and by you when you want their kubectl, helm and kind:
#
#   . deploy/kind/environment.sh
#
# PUMPJACK_KIND=docker   kind as everybody has it: Docker, kind, helm, kubectl, an image registry
# PUMPJACK_KIND=machine  podman, and a node and images made on this machine (tests/kind/machine)
# Not set: how the cluster that is there was made.
export PUMPJACK_KIND_CLUSTER=pumpjack
PUMPJACK_CONTEXT=kind-$PUMPJACK_KIND_CLUSTER
PUMPJACK_REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PUMPJACK_KIND_WAY_FILE=${XDG_CACHE_HOME:-$HOME/.cache}/pumpjack/kind/way
if [ -z "${PUMPJACK_KIND:-}" ] && [ -f "$PUMPJACK_KIND_WAY_FILE" ]; then
  PUMPJACK_KIND=$(cat "$PUMPJACK_KIND_WAY_FILE")
fi
export PUMPJACK_KIND=${PUMPJACK_KIND:-}

use_machine() { # [prepare]: make what is missing, and use it
  local settings
  if [ "${1:-}" = prepare ] || [ ! -x "$PUMPJACK_REPOSITORY/.venv/bin/python" ]; then
    make --silent -C "$PUMPJACK_REPOSITORY" .venv/.installed >&2 || return
  fi
  settings=$(cd "$PUMPJACK_REPOSITORY" && .venv/bin/python -m tests.kind.machine "${1:-settings}") || return
  eval "$settings"
}

in_cluster() { # ARGUMENTS...: kubectl, of this cluster whatever else is configured
  kubectl --context "$PUMPJACK_CONTEXT" "$@"
}

if [ "$PUMPJACK_KIND" = machine ]; then use_machine; fi
