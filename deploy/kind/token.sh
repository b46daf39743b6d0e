#!/usr/bin/env bash
# A token of the cluster's own issuer: token.sh TENANT [viewer|operator|…]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tenant=${1:?which tenant? permian or bakken}
# shellcheck source=deploy/kind/environment.sh
. "$here/environment.sh"
in_cluster -n pumpjack exec deployment/pumpjack-gateway -- python -c '
import os, sys
from pumpjack_gateway.tokens import mint
print(mint(os.environ["PUMPJACK_JWT_SECRET"], tenant_id=sys.argv[1], role=sys.argv[2], subject="me",
           issuer="pumpjack-demo", audience="pumpjack", lifetime_s=43_200))' "$tenant" "${2:-viewer}"
