#!/bin/sh
# What the images of PostgreSQL and TimescaleDB do at their start, as far as the chart relies on it:
# `postgres ARGUMENTS` makes the database when there is none. Everything else is run as it is.
#   POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB   the superuser, and a database
#   PGDATA                                        where
set -eu
if [ "${1:-}" = postgres ] && [ ! -d "$PGDATA" ]; then
  new=$PGDATA.new # a start that was interrupted leaves no half of a database
  rm -rf "$new"
  initdb --pgdata="$new" --username="${POSTGRES_USER:-postgres}" --pwfile=/dev/stdin \
    --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --data-checksums <<END
${POSTGRES_PASSWORD:?a password for the superuser}
END
  cat >>"$new/postgresql.conf" <<END
listen_addresses = '*'
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
END
  echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
  if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$new" postgres >/dev/null
  fi
  echo 'CREATE EXTENSION timescaledb' | postgres --single -D "$new" "${POSTGRES_DB:-postgres}" >/dev/null
  mv "$new" "$PGDATA"
fi
exec "$@"
