#!/usr/bin/env bash
# Removes the cluster, and all that runs of it. What took long to build or download stays.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/kind/environment.sh
. "$here/environment.sh"
if ! command -v kind >/dev/null; then
  echo "There is no kind here, and so no cluster of its making." >&2
  exit 0
fi
kind delete cluster --name "$PUMPJACK_KIND_CLUSTER"
if [ "$PUMPJACK_KIND" = machine ] && [ -z "$(kind get clusters --quiet)" ]; then
  podman network rm kind >/dev/null 2>&1 || true # kind leaves it
fi
rm -f "$PUMPJACK_KIND_WAY_FILE"
