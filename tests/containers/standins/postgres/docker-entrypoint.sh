#!/bin/bash
# What the compose file uses of the official entrypoint: a cluster with its superuser and a database of that name, made
# once, by a server that only this container reaches.
set -euo pipefail

# Where Debian's builds, and so the official image, have it.
[[ ${1:-} != postgres ]] || set -- "$@" -c unix_socket_directories=/var/run/postgresql
if [[ ${1:-} == postgres && ! -s $PGDATA/PG_VERSION ]]; then
  library=/usr/lib/x86_64-linux-gnu/libnss_wrapper.so
  if ! getent passwd "$(id -u)" >/dev/null; then # initdb wants the user that runs it to have a name
    export LD_PRELOAD=$library NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group
    echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" >"$NSS_WRAPPER_PASSWD"
    echo "postgres:x:$(id -g):" >"$NSS_WRAPPER_GROUP"
  fi
  mkdir -p "$PGDATA"
  chmod 00700 "$PGDATA" || :
  # shellcheck disable=SC2086
  initdb -D "$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  if [[ -n ${LD_PRELOAD:-} ]]; then
    rm -f /tmp/passwd /tmp/group
    unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  fi
  pg_ctl -D "$PGDATA" -w start -o "$(printf '%q ' "${@:2}" -c listen_addresses= -p 5432)"
  PGPASSWORD=$(<"$POSTGRES_PASSWORD_FILE") psql -v ON_ERROR_STOP=1 --no-psqlrc -h /var/run/postgresql \
    -U "$POSTGRES_USER" -d postgres -c "create database \"${POSTGRES_DB:-$POSTGRES_USER}\""
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec "$@"
