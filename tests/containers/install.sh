#!/usr/bin/env bash
# What the tests of the containers need of Debian: an engine, which is not started, and what makes a base image.
# On other systems, or without root, nothing is done: the tests fail there, and `make test` leaves them out and says so.
set -euo pipefail
command -v apt-get >/dev/null && [[ $(id -u) == 0 ]] || exit 0
missing=()
[[ -x /usr/sbin/dockerd ]] || missing+=(docker.io)
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v iptables >/dev/null || missing+=(iptables)
[[ ${#missing[@]} -gt 0 ]] || exit 0
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
