"""How the stack's Java servers are started: which JDK, which jars, which options."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

from local_stack.server import base_environment
from skytier import spark
from skytier.errors import TerminalError
from skytier.file_lock import file_lock
from skytier.settings.base import PROJECT_ROOT, scratch_folder
from skytier.settings.hdfs import HdfsSettings

JAVA_VERSION = 17
JARS = PROJECT_ROOT / "var" / "jars"
SOURCES = PROJECT_ROOT / "local_stack" / "java"
# For servers with little to do and tools: the first compiler alone starts faster and takes less memory.
QUICK_START = "-XX:TieredStopAtLevel=1"
# Hadoop and Hive reach into the JDK by reflection.
_OPENED = (
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.ref",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
)


@cache
def java_home() -> Path:
    """The folder of a JDK 17: ``JAVA_HOME``, else the one on PATH, else where Debian keeps it.

    Raises TerminalError when there is none.
    """
    on_path = shutil.which("java")
    candidates = [
        *([Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []),
        *([Path(on_path).resolve().parents[1]] if on_path else []),
        *sorted(Path("/usr/lib/jvm").glob(f"*{JAVA_VERSION}*")),
    ]
    for candidate in candidates:
        release = candidate / "release"
        if release.exists() and f'JAVA_VERSION="{JAVA_VERSION}' in release.read_text():
            return candidate
    raise TerminalError(
        f"No JDK {JAVA_VERSION} found in JAVA_HOME, on PATH or in /usr/lib/jvm: "
        f"install one (Debian: openjdk-{JAVA_VERSION}-jdk-headless) or point JAVA_HOME to it."
    )


def jars(classpath: str) -> str:
    """The class path entry of the jars that set-up fetched for one class path. Raises TerminalError without them."""
    folder = JARS / classpath
    if not (folder / ".complete").exists():
        raise TerminalError(f"The jars in {folder} are missing or incomplete: run 'make up', which fetches them.")
    return f"{folder}/*"


def java(main: str, *arguments: str, classpath: list[str], heap_mb: int, options: list[str] | None = None) -> list[str]:
    """The command line of a small Java server."""
    return [
        str(java_home() / "bin" / "java"),
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:ReservedCodeCacheSize=64m",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Duser.timezone=UTC",
        "-Djava.net.preferIPv4Stack=true",
        f"-Djava.io.tmpdir={scratch_folder()}",
        f"-Dlog4j2.configurationFile={SOURCES / 'log4j2.properties'}",
        f"-Djava.util.logging.config.file={SOURCES / 'jul.properties'}",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        *(options or []),
        "-cp",
        ":".join(classpath),
        main,
        *arguments,
    ]


def hadoop_environment() -> dict[str, str]:
    """Who Hadoop's and Hive's processes are to HDFS, and which JDK they run on."""
    return {"HADOOP_USER_NAME": HdfsSettings().user, "JAVA_HOME": str(java_home())}


def run(command: list[str], what: str) -> None:
    """Run a command of set-up to its end. Raises TerminalError with its output when it fails."""
    environment = base_environment() | hadoop_environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()[-15:]
        raise TerminalError(f"{what} failed with status {done.returncode}:\n" + "\n".join(lines))


def compiled() -> Path:
    """The folder of our own compiled Java; compiles it when a source has changed. Raises TerminalError on failure.

    Each version of the sources has a folder of its own: servers of another one go on with theirs.
    """
    sources = sorted(SOURCES.glob("*.java"))
    content = b"".join(source.read_bytes() for source in sources)
    folder = JARS / "skytier" / hashlib.sha256(content).hexdigest()[:16]
    marker = folder / ".complete"
    if marker.exists():  # also where the folder cannot be written to, as in an image
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    # Several servers are prepared at the same time: one compiles, the others wait for it.
    with file_lock(folder / "compile.lock", on_wait=lambda: None):
        if not marker.exists():
            classpath = f"{spark.spark_home()}/jars/*:{jars('hadoop')}"
            compiler = [str(java_home() / "bin" / "javac"), "-nowarn", "-proc:none", "-cp", classpath]
            run([*compiler, "-d", str(folder), *map(str, sources)], "Compiling local_stack/java")
            marker.touch()
    return folder
