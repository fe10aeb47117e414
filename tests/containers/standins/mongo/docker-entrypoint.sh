#!/bin/bash
# What the compose file uses of the official entrypoint: the first user is made, once, by a server without access control
# that only this container reaches; its configuration lacks the parts net, security and replication.
set -euo pipefail

data_folder() { sed -n 's/^ *dbPath: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$1"; }

if [[ ${1:-} == mongod && -n ${MONGO_INITDB_ROOT_USERNAME:-} ]]; then
  [[ $2 == --config ]] || { echo "the stand-in wants: mongod --config FILE" >&2; exit 1; }
  data=$(data_folder "$3")
  if [[ ! -e $data/WiredTiger ]]; then
    mongod --dbpath "$data" --bind_ip 127.0.0.1 --port 27017 --nounixsocket --fork --logpath /tmp/init.log --pidfilepath /tmp/init.pid
    # The password is read by the shell: command lines are for all to see.
    MONGO_INITDB_ROOT_PASSWORD=$(<"$MONGO_INITDB_ROOT_PASSWORD_FILE") mongosh --quiet --host 127.0.0.1 admin --eval '
      db.createUser({
        user: process.env.MONGO_INITDB_ROOT_USERNAME,
        pwd: process.env.MONGO_INITDB_ROOT_PASSWORD,
        roles: [{role: "root", db: "admin"}],
      })'
    mongod --dbpath "$data" --shutdown
    rm -f /tmp/init.log /tmp/init.pid
  fi
  set -- "$@" --auth
  unset "${!MONGO_INITDB_@}"
fi
exec "$@"
