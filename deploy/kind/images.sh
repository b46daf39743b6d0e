#!/usr/bin/env bash
# Builds what runs in the cluster, loads what the cluster does not have, prints the tag of our images.
#
#   images.sh [--only-build]
#
# It writes to ~/.cache/pumpjack/kind, each time:
#   values.yaml   of the chart: the names of the images
#   field.yaml    deploy/kind/field.yaml with the names of the images
# The tag stands for what goes into the images: for an unchanged tree nothing is built or loaded.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/kind/environment.sh
readonly NAME=localhost/pumpjack PARTS=(operator gateway worker cli)
readonly CERTIFICATES=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
# Which index packages come from, and by which proxy: given to the build, kept in no image.
readonly SETTINGS='^(PIP_INDEX_URL|PIP_EXTRA_INDEX_URL|PIP_TRUSTED_HOST|UV_DEFAULT_INDEX|UV_INDEX|UV_INDEX_URL|UV_EXTRA_INDEX_URL|UV_INSECURE_HOST|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy)='
made=${XDG_CACHE_HOME:-$HOME/.cache}/pumpjack/kind
secrets=$(mktemp -d)
trap 'rm -rf "$secrets" "$made/loading.$$.tar"' EXIT
mkdir -p "$made"
if command -v flock >/dev/null; then # another run builds the same
  exec 9>"$made/images.lock"
  flock 9
fi

say() { printf '%s\n' "$*" >&2; }

choose_way() { # where make kind did not
  if docker info >/dev/null 2>&1; then PUMPJACK_KIND=docker; else PUMPJACK_KIND=machine && use_machine; fi
}

sources() { # what the build may see, besides what says how to build
  sed -n 's/^!//p' .dockerignore | while read -r each; do
    find "$each" -type f ! -path '*/__pycache__/*' ! -path 'gateway/dashboard/*'
  done | LC_ALL=C sort
}

tag() {
  { echo "$base"
    sources
    { printf 'Containerfile\n.dockerignore\n' && sources; } | git hash-object --stdin-paths
  } | git hash-object --stdin | cut -c1-12
}

build() { # PART
  say "building $NAME/$1:$tag"
  local engine=(docker build)
  if [ "$PUMPJACK_KIND" = machine ]; then engine=(buildah build --layers --timestamp 0); fi
  "${engine[@]}" --file Containerfile --target "$1" --tag "$NAME/$1:$tag" --build-arg "BASE=$base" \
    --secret "id=packages,src=$secrets/packages" ${certificates[@]+"${certificates[@]}"} . >"$secrets/log" 2>&1 || {
    cat "$secrets/log" >&2
    say "The image $1 was not built; the reason is above."
    exit 1
  }
}

is_built() { "$engine" image inspect "$1" >/dev/null 2>&1; }

missing() { # IMAGES...: those that some node does not have
  local node image held
  for node in $(kind get nodes --name "$PUMPJACK_KIND_CLUSTER" 2>/dev/null); do
    held=$("$engine" exec "$node" ctr --namespace k8s.io images list --quiet)
    for image in "$@"; do grep -qxF "$image" <<<"$held" || echo "$image"; done
  done | LC_ALL=C sort -u
}

load() { # IMAGES...
  [ $# -gt 0 ] || return 0
  say "loading $*"
  if [ "$PUMPJACK_KIND" = docker ]; then
    kind load docker-image --name "$PUMPJACK_KIND_CLUSTER" "$@" >&2
  else
    podman save --quiet --multi-image-archive --output "$made/loading.$$.tar" "$@"
    kind load image-archive --name "$PUMPJACK_KIND_CLUSTER" "$made/loading.$$.tar" >&2
    rm "$made/loading.$$.tar"
  fi
}

[ -n "$PUMPJACK_KIND" ] || choose_way
python=.venv/bin/python
[ -x "$python" ] || python=python3
"$python" gateway/dashboard/build.py >&2
images=()
names=()
if [ "$PUMPJACK_KIND" = docker ]; then
  engine=docker
  base=$(sed -n 's/^ARG BASE=//p' Containerfile)
else
  engine=podman
  base=$(.venv/bin/python -m tests.kind.machine.images base)
  servers=$(.venv/bin/python -m tests.kind.machine.images servers)
  images+=("$servers")
  names=(-e "s|eclipse-mosquitto:.*|$servers|")
fi
env | grep -E "$SETTINGS" | sed "s/'/'\\\\''/g; s/=/='/; s/\$/'/; s/^/export /" >"$secrets/packages" || true
certificates=()
[ ! -r "$CERTIFICATES" ] || certificates=(--secret "id=certificates,src=$CERTIFICATES")
tag=$(tag)
for part in "${PARTS[@]}"; do
  images+=("$NAME/$part:$tag")
  is_built "$NAME/$part:$tag" || build "$part"
done

{ echo "image: {tag: \"$tag\"}"
  [ "$PUMPJACK_KIND" = docker ] || echo "tryout: {postgresqlImage: \"$servers\", valkeyImage: \"$servers\"}"
} >"$made/values.yaml"
sed -e "s|image: $NAME/cli\$|image: $NAME/cli:$tag|" ${names[@]+"${names[@]}"} deploy/kind/field.yaml >"$made/field.yaml"
if [ "${1:-}" != --only-build ]; then
  # shellcheck disable=SC2046 # names of images have no spaces
  load $(missing "${images[@]}")
fi
echo "$tag"
