"""``install.sh`` on a machine whose tools are stubs that can be told to fail: what it then says and stamps."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from skytier.settings.base import PROJECT_ROOT

pytestmark = pytest.mark.plain

_REAL = (
    "basename bash cat chmod cut awk dirname echo env flock grep id ln ls mkdir paste readlink rm sed sha256sum tail"
    " touch uname xargs"
)
# It notes what it was called with and where it looks for certificates, fails where it is told to, and else makes what
# the tool of its name would make.
_STUB = r"""#!/bin/bash
call="${0##*/} $*"
echo "$call [UV_SYSTEM_CERTS=$UV_SYSTEM_CERTS PIP_CERT=$PIP_CERT SSL_CERT_FILE=$SSL_CERT_FILE $MAVEN_OPTS]" >>"$CALLS"
if [[ -n $FAIL_AT && $call == *$FAIL_AT* ]]; then printf '%b\n' "$FAIL_WITH" >&2; exit 3; fi
make_stub() { mkdir -p "${1%/*}"; ln -sf "$STUB" "$1"; }
case "$call" in
  python3.11\ -m\ venv*) make_stub "$3/bin/pip"; make_stub "$3/bin/python" ;;
  pip\ install*) make_stub "${0%/*}/uv" ;;
  pip\ download*) mkdir -p "${!#}"; touch "${!#}/one.whl" ;;
  uv\ venv*) make_stub "${!#}/bin/python" ;;
  uv\ pip\ sync*airflow*) make_stub .venv-airflow/bin/airflow ;;
  uv\ pip\ install*) make_stub .venv/bin/skytier ;;
  apt-get\ *install*)
    make_stub "${STUB%/*}/bin/mvn"
    [[ $call != *redis-tools* ]] || make_stub "${STUB%/*}/bin/redis-check-rdb" ;;
  sudo\ -v) ;;
  sudo\ *) exec "$@" ;;
  mvn\ *)
    for one in kafka hadoop metastore spark postgres-tls; do
      mkdir -p "var/jars/$one"; touch "var/jars/$one/one.jar"
    done ;;
esac
"""
_WARNING = "a line of the tool's own"


class Machine:
    """A checkout and a PATH of stubs."""

    def __init__(self, folder: Path) -> None:
        self.root, self.calls = folder / "project", folder / "calls"
        self.stub, self.bin = folder / "stub", folder / "bin"
        for name in ("local_stack/install.sh", "requirements", "pyproject.toml", "local_stack/jars"):
            source, target = PROJECT_ROOT / name, self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        self.stub.write_text(_STUB)
        self.stub.chmod(0o755)
        self.bin.mkdir()
        for name in _REAL.split():
            (self.bin / name).symlink_to(str(shutil.which(name)))
        for name in ("git", "make", "setpriv", "python3.11", "apt-get", "apt-cache", "sudo"):
            (self.bin / name).symlink_to(self.stub)
        jdk = folder / "jdk"
        (jdk / "bin").mkdir(parents=True)
        (jdk / "bin" / "javac").symlink_to(self.stub)
        (jdk / "release").write_text('JAVA_VERSION="17.0.1"\n')
        self.environment = {"PATH": str(self.bin), "JAVA_HOME": str(jdk), "CALLS": str(self.calls)}
        self.environment |= {"STUB": str(self.stub), "HOME": str(folder)}

    def install(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        self.calls.write_text("")
        return subprocess.run(
            [str(self.bin / "bash"), str(self.root / "local_stack/install.sh")],
            env=self.environment | variables, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def stamped(self) -> set[str]:
        """What is marked complete."""
        return {str(stamp.parent.relative_to(self.root)) for stamp in self.root.rglob(".complete")}


ALL = {
    ".venv",
    ".venv-airflow",
    "var/tools",
    "var/trajectories",
    *(f"var/jars/{name}" for name in ("kafka", "hadoop", "metastore", "spark")),
}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("call", "step", "unfinished"),
    [
        ("apt-get update", "package lists", ALL),
        ("apt-get install", "system packages", ALL),
        ("-m venv", "uv", {"var/tools", "var/trajectories", ".venv", ".venv-airflow"}),
        ("pip install --quiet", "uv", {"var/tools", "var/trajectories", ".venv", ".venv-airflow"}),
        ("uv venv --clear --python", "Airflow", {".venv", ".venv-airflow", "var/trajectories"}),
        ("requirements/jobs.txt", "Python packages", {".venv", "var/trajectories"}),
        ("requirements/airflow.txt", "Airflow", {".venv-airflow", "var/trajectories"}),
        ("--no-build-isolation", "Python packages", {".venv", "var/trajectories"}),
        ("pip download", "trajectories", {"var/trajectories"}),
        ("mvn", "jars", {name for name in ALL if "jars" in name}),
    ],
)
def test_a_step_that_fails_is_not_done_and_is_done_again(
    machine: Machine, call: str, step: str, unfinished: set[str]
) -> None:
    failed = machine.install(FAIL_AT=call, FAIL_WITH=_WARNING)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert f"error: {step} failed; the end of" in failed.stderr
    assert _WARNING in failed.stderr
    assert f"  {step:<20} done" not in failed.stdout
    assert machine.stamped() == ALL - unfinished

    repaired = machine.install()
    assert (repaired.returncode, repaired.stderr) == (0, "")
    assert f"  {step:<20} done" in repaired.stdout
    assert machine.stamped() == ALL

    again = machine.install()
    assert (again.returncode, again.stdout + again.stderr) == (0, "")
    assert not [line for line in machine.calls.read_text().splitlines() if line.startswith(("uv", "pip", "mvn"))]


@pytest.mark.parametrize("setting", ["environment", "stack.env"])
def test_servers_with_tls_are_installed_where_it_is_set(machine: Machine, setting: str) -> None:
    """Those of the wheels have none; who does not want it does not get others."""
    assert machine.install().returncode == 0
    assert "redis-tools" not in machine.calls.read_text()
    assert machine.stamped() == ALL
    variables = {"SKYTIER_TLS_ENABLED": "1"} if setting == "environment" else {}
    (machine.root / "var" / "stack.env").write_text("" if variables else "SKYTIER_TLS_ENABLED=1\n")
    done = machine.install(**variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert "redis-tools" in machine.calls.read_text()
    own = Path("/usr/lib/postgresql/16/bin/postgres").exists()
    assert machine.stamped() == ALL | (set() if own else {"var/jars/postgres-tls"})


@pytest.mark.parametrize(
    "lost", [".venv/bin/skytier", ".venv-airflow/bin/airflow", "var/jars/kafka/one.jar", "var/trajectories/one.whl"]
)
def test_what_is_stamped_and_not_there_is_installed(machine: Machine, lost: str) -> None:
    assert machine.install().returncode == 0
    (machine.root / lost).unlink()
    assert machine.install().returncode == 0
    assert (machine.root / lost).exists()


@pytest.mark.parametrize("call", ["pip install --quiet", "requirements/jobs.txt", "mvn"])
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("Traceback\nssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]", "SSL_CERT_FILE"),
        ("client error (Connect)\n invalid peer certificate: UnknownIssuer", "certificate is not trusted"),
        ("[ERROR] PKIX path building failed: unable to find valid certification path", "certificate is not trusted"),
        ("Traceback\n[Errno -3] Temporary failure in name resolution", "cannot be reached. Check the network"),
        ("error: Failed to fetch\n dns error: failed to lookup address information", "HTTPS_PROXY"),
        ("[ERROR] Transfer failed: repo.example.org: Unknown host repo.example.org", "cannot be reached"),
        ("cp: error writing 'a': No space left on device", "the disk is full"),
    ],
)
def test_why_a_step_failed_is_a_sentence(machine: Machine, call: str, words: str, sentence: str) -> None:
    failed = machine.install(FAIL_AT=call, FAIL_WITH=words.replace("\n", "\\n"))
    assert failed.returncode == 1
    assert sentence in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert words.splitlines()[-1].split()[0] not in failed.stderr
    log = (
        machine.root
        / "var/logs"
        / f"install-{'uv' if 'quiet' in call else 'jars' if call == 'mvn' else 'Python-packages'}.log"
    )
    assert str(log) in failed.stderr
    assert words in log.read_text()


def test_lists_that_apt_could_not_fetch_are_the_reason(machine: Machine) -> None:
    lists = machine.root / "var/logs/install-package-lists.log"
    machine.stub.write_text(
        machine.stub.read_text().replace(
            "make_stub() {",
            "if [[ $call == apt-get\\ update* ]]; then echo \"W: Temporary failure resolving 'deb.example.org'\"; fi\n"
            "make_stub() {",
        )
    )
    failed = machine.install(FAIL_AT="apt-get install", FAIL_WITH="E: Unable to locate package maven")
    assert failed.returncode == 1
    assert failed.stderr.startswith(
        "error: system packages failed: the server that packages come from cannot be reached."
    )
    assert str(lists) in failed.stderr


def test_tools_trust_the_systems_certificates_and_those_of_a_file_named(machine: Machine, tmp_path: Path) -> None:
    assert machine.install().returncode == 0
    calls = machine.calls.read_text().splitlines()
    of_uv = [line for line in calls if line.startswith("uv pip")]
    assert of_uv
    assert all("UV_SYSTEM_CERTS=true" in line for line in of_uv)

    own = tmp_path / "own.pem"
    own.touch()
    shutil.rmtree(machine.root / "var/tools")
    shutil.rmtree(machine.root / ".venv")
    assert machine.install(SSL_CERT_FILE=str(own), UV_SYSTEM_CERTS="false").returncode == 0
    calls = machine.calls.read_text().splitlines()
    assert any(line.startswith("pip install") and f"PIP_CERT={own}" in line for line in calls)
    assert all(
        f"UV_SYSTEM_CERTS=false PIP_CERT={own} SSL_CERT_FILE={own}" in line for line in calls if "uv pip" in line
    )


def test_the_systems_store_reaches_maven(machine: Machine) -> None:
    assert machine.install().returncode == 0
    (of_maven,) = [line for line in machine.calls.read_text().splitlines() if line.startswith("mvn")]
    store = "/etc/ssl/certs/java/cacerts"
    assert (f"-Djavax.net.ssl.trustStore={store}" in of_maven) == os.access(store, os.R_OK)


def test_nobody_else_may_look_into_the_folder_of_data_and_passwords(machine: Machine) -> None:
    (machine.root / "var").mkdir(mode=0o755)  # as an earlier version made it
    assert machine.install().returncode == 0
    logs = machine.root / "var" / "logs"
    assert stat.S_IMODE((machine.root / "var").stat().st_mode) == 0o700
    assert [path for path in [logs, *logs.iterdir()] if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
