"""Processes that outlive the command that starts them: each has a pid file and a log file; nothing watches them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from skytier.settings.base import PRIVATE, home

LOG_LIMIT_BYTES = 50 * 1024 * 1024
_CLOCK_TOLERANCE_SECONDS = 2.0  # psutil derives a start time from the boot time, which is rounded
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_STARTED_AT = 20  # the kernel's field 22, counted behind the name of the program, which may hold anything
# The shell notes which process it is and becomes the server: the pid file is there before the server is. A boot of the
# machine has one process of a pid and a start, which is counted in ticks since the boot: no wall clock changes it.
_LAUNCHER = f"""
read -r boot < {_BOOT_ID}; read -r stat < /proc/$$/stat
note() {{ echo "$$ $boot ${{{_STARTED_AT}}}"; }}
note ${{stat##*) }} > "$0"; exec "$@"
"""


def log_file(name: str) -> Path:
    """Where the output of a server goes."""
    return home() / "logs" / f"{name}.log"


def _pid_file(name: str) -> Path:
    return home() / "run" / f"{name}.pid"


def start(name: str, command: list[str], environment: dict[str, str]) -> psutil.Process | None:
    """Start a server in a session of its own; its output is added to its log file. None when it ended at once."""
    pid_file, log = _pid_file(name), log_file(name)
    for folder in (pid_file.parent, log.parent):
        folder.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    pid_file.unlink(missing_ok=True)
    with log.open("ab") as output:
        output.write(f"--- {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} starting {name}\n".encode())
        output.flush()
        child = subprocess.Popen(
            ["/bin/sh", "-c", _LAUNCHER, str(pid_file), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home(),
            start_new_session=True,
            umask=PRIVATE,
        )
    try:
        return psutil.Process(child.pid)
    except psutil.NoSuchProcess:
        return None


def note_own(name: str) -> None:
    """Note that this process becomes a server: what ``find`` finds."""
    pid_file = _pid_file(name)
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(" ".join([str(os.getpid()), *_identity(os.getpid())]) + "\n")


def find(name: str) -> psutil.Process | None:
    """The running process of a server, or None.

    A pid file of an earlier boot of the machine, or of a process that ended, may name one that is not ours.
    """
    pid_file = _pid_file(name)
    try:
        pid, *identity = pid_file.read_text().split()
        process = psutil.Process(int(pid))
        is_ours = identity == _identity(process.pid) if identity else _is_older(process, pid_file)
        return process if is_ours and alive(process) else None
    except (FileNotFoundError, ProcessLookupError, ValueError, psutil.NoSuchProcess):
        return None


def _identity(pid: int) -> list[str]:
    """What tells a process from others of its pid: the boot of the machine, and when it started since then."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [Path(_BOOT_ID).read_text().strip(), fields[_STARTED_AT - 1]]


def _is_older(process: psutil.Process, pid_file: Path) -> bool:
    """Whether a process began before the file: all there is to tell where the file, of earlier code, has a pid only."""
    return process.create_time() <= pid_file.stat().st_mtime + _CLOCK_TOLERANCE_SECONDS


def alive(process: psutil.Process | None) -> bool:
    """Whether a process runs; one that ended but was not yet collected by its parent does not."""
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def was_started(name: str) -> bool:
    """Whether a server should be running: it was started and not stopped since."""
    return _pid_file(name).exists()


def last_sign(name: str) -> datetime | None:
    """When a server last wrote to its log, UTC."""
    try:
        return datetime.fromtimestamp(log_file(name).stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def stop(name: str, how: signal.Signals = signal.SIGTERM, patience_seconds: float = 20) -> bool:
    """End a server and everything it started; whether it was running."""
    process = find(name)
    if process is not None:
        end(process, how, patience_seconds)
    _pid_file(name).unlink(missing_ok=True)
    return process is not None


def end(process: psutil.Process, how: signal.Signals, patience_seconds: float) -> None:
    """Ask a process to end, and kill it and its descendants if some are left when the patience is over."""
    family = [process]
    with contextlib.suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
        process.send_signal(how)
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline and any(alive(one) for one in family):
        time.sleep(0.05)
        if not alive(process):  # its children get a moment of their own, then they are orphans to remove
            deadline = min(deadline, time.monotonic() + 2)
    _kill(one for one in family if alive(one))


def _kill(leftovers: Iterable[psutil.Process]) -> None:
    killed = []
    for process in leftovers:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            killed.append(process)
    psutil.wait_procs(killed, timeout=5)


def log_tail(name: str, lines: int = 15) -> str:
    """The last lines of a server's log."""
    try:
        with log_file(name).open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 16_384))
            text = log.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def memory_mb(process: psutil.Process) -> float:
    """Memory of a process and its descendants; pages that several share count once in all."""
    total = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += _memory_bytes(one)
    return round(total / 1024 / 1024, 1)


def _memory_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):  # only Linux knows it, and only of one's own processes
        return int(process.memory_info().rss)
