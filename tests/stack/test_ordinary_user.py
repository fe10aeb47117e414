"""The stack of an ordinary user, with the system's own Python: installed, started, asked and stopped without root.

The environment is made anew from caches. Where the tests run as root, a user is made for it and removed afterwards.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from skytier.settings.base import PROJECT_ROOT
from tests.accounts import another_account
from tests.own_stack import OwnStack, own_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

# Not Airflow, whose environment is another one, and what needs the whole stack.
WITHOUT = ("airflow", "feed", "dashboard", "sql")
SERVERS = {"postgres", "namenode", "datanode", "metastore", "mongodb", "kafka", "redis"}
PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture
def user() -> Iterator[pwd.struct_passwd]:
    """An account that may nothing special; its home is removed with it."""
    with another_account() as account:
        yield account


@pytest.fixture
def place(user: pwd.struct_passwd) -> Iterator[OwnStack]:
    """Ports that nobody has, and a folder of the user's."""
    with own_stack("user") as ports, tempfile.TemporaryDirectory(dir=user.pw_dir) as folder:
        yield OwnStack(Path(folder) / "skytier" / "var", ports.port_offset)


def _run(user: pwd.struct_passwd, project: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command as the user, in the user's own environment."""
    as_user = []
    if os.geteuid() == 0:
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--inh-caps=-all"]
    own = {"PATH": PATH, "HOME": user.pw_dir, "USER": user.pw_name}
    return subprocess.run(
        [*as_user, *command], cwd=project, env=own | variables, capture_output=True, text=True, check=False, timeout=200
    )


def _link(source: str, target: str) -> None:
    """The same file, where both are on one file system; else a copy."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy(source, target)


def _install(project: Path, user: pwd.struct_passwd) -> None:
    """The project as it is here, with its jars, and an environment of the system's Python, linked from caches."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(lambda name: (PROJECT_ROOT / name).is_file(), listed.stdout.splitlines()):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / name, project / name)
    jars, tools = Path("var/jars"), Path("var/tools/bin")
    compiled = shutil.ignore_patterns("skytier")
    shutil.copytree(PROJECT_ROOT / jars, project / jars, ignore=compiled, copy_function=_link)
    (project / tools).mkdir(parents=True)
    _link(str((PROJECT_ROOT / tools / "uv").resolve()), str(project / tools / "uv"))
    step = [
        "local_stack/install.sh",
        "--step",
        "install_environment",
        ".venv",
        "requirements/jobs.txt",
        "test",
        "project",
    ]
    # With a shell's umask: what is linked from a cache is root's here, and the user has to read it.
    done = subprocess.run(
        step, cwd=project, env=os.environ | {"PATH": PATH}, capture_output=True, text=True, check=False, umask=0o022
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _as_installed(next(project.glob(".venv/lib/python*/site-packages/fiftyone/db/bin/mongod")))
    # What is linked is not the user's alone: it is read only.
    own = ["find", str(project), "(", "-type", "d", "-o", "-type", "l", "-o", "-links", "1", ")"]
    subprocess.run([*own, "-exec", "chown", "-h", f"{user.pw_uid}:{user.pw_gid}", "{}", "+"], check=True)


def _as_installed(mongod: Path) -> None:
    """The server as its wheel brings it: without the run bit, which another stack may have set on the linked file."""
    aside = mongod.with_name("mongod.new")
    shutil.copyfile(mongod, aside)
    aside.chmod(0o644)
    aside.replace(mongod)


def test_the_servers_of_an_ordinary_user(user: pwd.struct_passwd, place: OwnStack) -> None:
    project = place.home.parent
    project.mkdir()
    os.chown(project.parent, user.pw_uid, user.pw_gid)
    _install(project, user)
    ports = {"SKYTIER_PORT_OFFSET": str(place.port_offset), "SKYTIER_FEED_ENABLED": "0"}
    skytier = str(project / ".venv" / "bin" / "skytier")
    try:
        up = _run(user, project, skytier, "stack", "up", *(f"--without={name}" for name in WITHOUT), **ports)
        assert up.returncode == 0, up.stdout + up.stderr
        status = _run(user, project, skytier, "stack", "status", "--json")
        assert status.returncode == 0, status.stdout + status.stderr
        pids = {one["name"]: one["pid"] for one in json.loads(status.stdout) if one["state"] == "ready"}
        assert set(pids) == SERVERS
        for name, pid in pids.items():
            process = psutil.Process(pid)
            assert set(process.uids()) == {user.pw_uid}, name
            assert not any("setpriv" in part for part in process.cmdline()), name
        python = (project / ".venv" / "bin" / "python").resolve()
        assert Path("/usr") in python.parents
    finally:
        down = _run(user, project, skytier, "stack", "down")
    assert down.returncode == 0, down.stdout + down.stderr
    deadline = time.monotonic() + 10
    while left := [
        p for p in psutil.process_iter(["uids"]) if user.pw_uid != os.geteuid() and user.pw_uid in p.info["uids"]
    ]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
