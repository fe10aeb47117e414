#!/usr/bin/env bash
# Build the images skytier and skytier-airflow, tagged with the version of the project.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
for image in skytier skytier-airflow; do
  DOCKER_BUILDKIT=1 ${DOCKER:-docker} build --target "$image" --build-arg "VERSION=$version" --tag "$image:$version" \
    --file deploy/images/Dockerfile .
done
