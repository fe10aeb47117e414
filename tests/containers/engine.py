"""A Docker engine of the suite's own: Debian's dockerd on folders of the project, for as long as a session runs.

What it has built stays in ``var/cache/containers``, so that a later session builds only what has changed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from skytier.file_lock import file_lock
from skytier.settings.base import PROJECT_ROOT

CACHE = PROJECT_ROOT / "var" / "cache" / "containers"
TOOLS = CACHE / "tools"
# Not another docker on PATH: newer ones build by BuildKit only with a plugin.
DOCKER, DOCKERD = "/usr/bin/docker", "/usr/sbin/dockerd"
_START_SECONDS, _STOP_SECONDS = 60, 90
_PARENTS = Path("/run")  # the path of a socket has at most 108 characters
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    socket: Path

    def environment(self) -> dict[str, str]:
        """What its clients have in their environment."""
        return os.environ | {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER": DOCKER, "DOCKER_BUILDKIT": "1"}

    def run(self, *command: str | Path, cwd: Path = PROJECT_ROOT, seconds: float = 600) -> str:
        """Run a command as a client of it; what it printed. Raises AssertionError with all its output if it fails."""
        done = subprocess.run(
            list(map(str, command)),
            env=self.environment(),
            cwd=cwd,
            timeout=seconds,
            capture_output=True,
            text=True,
            check=False,
        )
        output = f"{done.stdout[-6000:]}{done.stderr[-6000:]}"
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{output}"
        return done.stdout

    def docker(self, *arguments: str | Path, seconds: float = 600) -> str:
        """Run a docker command."""
        return self.run(DOCKER, *arguments, seconds=seconds)

    def label(self, image: str, name: str) -> str | None:
        """A label of an image; None where there is no such image, or label."""
        command = [DOCKER, "image", "inspect", "--format", f'{{{{index .Config.Labels "{name}"}}}}', image]
        found = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        return (found.stdout.strip() or None) if found.returncode == 0 else None


def why_not() -> str | None:
    """Why there can be no engine here; None where there can."""
    if os.geteuid() != 0:
        return "a Docker engine of the suite's own wants root"
    if missing := [name for name in (DOCKERD, DOCKER, "debootstrap", "iptables") if shutil.which(name) is None]:
        return f"{', '.join(missing)} missing (Debian: apt-get install docker.io debootstrap)"
    if Path("/sys/class/net/docker0").exists() and not _left_over():
        return "another Docker engine runs on this machine, and would share its firewall rules with the suite's"
    return None


@contextmanager
def engine() -> Iterator[Engine]:
    """Run an engine; in the end neither processes nor mounts, networks or firewall rules of it are left."""
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file_lock(CACHE / "engine.lock", on_wait=lambda: None):
        _stop()
        forwarded = _FORWARD.read_text()
        process = _start()
        try:
            yield Engine(_run_folder() / "docker.sock")
        finally:
            _stop()
            process.wait(_STOP_SECONDS)
            _FORWARD.write_text(forwarded)


def _run_folder() -> Path:
    """The folder of its sockets and of the state of its processes."""
    return _PARENTS / f"skytier-tests-{PROJECT_ROOT.stat().st_ino}"


def _start() -> subprocess.Popen[bytes]:
    run = _run_folder()
    run.mkdir(mode=0o700)
    folders = ["--data-root", CACHE / "engine", "--exec-root", run / "exec", "--pidfile", run / "pid"]
    with (CACHE / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            [DOCKERD, *map(str, folders), "--host", f"unix://{run}/docker.sock"], stdout=log, stderr=log, cwd=CACHE
        )
    deadline = time.monotonic() + _START_SECONDS
    while subprocess.run([DOCKER, "--host", f"unix://{run}/docker.sock", "version"], capture_output=True).returncode:
        assert process.poll() is None, (CACHE / "dockerd.log").read_text()[-3000:]
        assert time.monotonic() < deadline, (CACHE / "dockerd.log").read_text()[-3000:]
        time.sleep(0.2)
    return process


def _left_over() -> psutil.Process | None:
    """The engine that was started last, where it still runs."""
    try:
        process = psutil.Process(int((_run_folder() / "pid").read_text()))
        return process if str(CACHE / "engine") in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def _stop() -> None:
    """End the engine of this project, also one that a killed session left, with its containers; undo what it did."""
    if process := _left_over():
        family = [process, *process.children(recursive=True)]
        process.send_signal(signal.SIGTERM)  # it stops its containers
        _, alive = psutil.wait_procs(family, _STOP_SECONDS)
        for one in alive:
            one.kill()
        psutil.wait_procs(alive, 10)
    _end_containers()
    _unmount()
    shutil.rmtree(_run_folder(), ignore_errors=True)
    _remove_networks()


def _end_containers() -> None:
    """End what is left of containers whose engine was killed: each runs below a process that names our folder."""
    for process in psutil.process_iter(["cmdline"]):
        if str(_run_folder()) in " ".join(process.info["cmdline"] or []):
            for one in [*process.children(recursive=True), process]:
                with_suppressed_kill(one)


def with_suppressed_kill(process: psutil.Process) -> None:
    """Kill a process that may have ended by itself."""
    try:
        process.kill()
        process.wait(10)
    except psutil.NoSuchProcess:
        pass


def _unmount() -> None:
    ours = (str(CACHE / "engine"), str(_run_folder()))
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    for place in reversed([line.split()[4] for line in lines if line.split()[4].startswith(ours)]):
        subprocess.run(["umount", "--lazy", place], check=False)


def _remove_networks() -> None:
    """Delete the bridges and the chains of the firewall that dockerd leaves behind."""
    for link in Path("/sys/class/net").iterdir():
        if link.name == "docker0" or re.fullmatch(r"br-[0-9a-f]{12}", link.name):
            subprocess.run(["ip", "link", "delete", link.name], check=False)
    for table in ("nat", "filter"):
        rules = _iptables(table, "-S")
        for rule in filter(_is_of_docker, rules):
            _iptables(table, "-D", *rule.replace('"', "").split()[1:])
        for rule in rules:
            if rule.startswith("-N DOCKER"):
                _iptables(table, "-X", rule.split()[1])
        if table == "filter" and "-P FORWARD DROP" in rules:
            _iptables(table, "-P", "FORWARD", "ACCEPT")


def _is_of_docker(rule: str) -> bool:
    return rule.startswith("-A ") and re.search(r"-[Aj] DOCKER|-[io] (docker0|br-[0-9a-f]{12})\b", rule) is not None


def _iptables(table: str, *arguments: str) -> list[str]:
    done = subprocess.run(["iptables", "-w", "-t", table, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


if __name__ == "__main__":
    print(why_not() or "")
