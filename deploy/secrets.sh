#!/usr/bin/env bash
# Make the passwords, certificates and their authority that docker-compose.yml mounts; what is there stays as it is.
# secrets.sh [FOLDER]: by default deploy/secrets. The files are of the containers' user, 10001, and of mode 600.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
mkdir -p "${1:-deploy/secrets}"
folder=$(cd "${1:-deploy/secrets}" && pwd)
# As root, and only here, for a folder of the user who runs this: it hands the files over to the user of the containers.
${DOCKER:-docker} run --rm --network none --read-only --tmpfs /tmp --tmpfs /var/lib/skytier --security-opt no-new-privileges \
  --user 0:0 --cap-drop ALL --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER --volume "$folder:/secrets" \
  "skytier:$version" sh -c 'umask 077 && skytier stack secrets /secrets && chown -R skytier:skytier /secrets/*'
