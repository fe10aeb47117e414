"""What the stack knows of a server; the modules beside this one say it for each."""

from __future__ import annotations

import os
import signal
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

from skytier.errors import TerminalError
from skytier.settings.base import PRIVATE, home

Answer = TypeVar("Answer")
# Variables of a user's shell that would change how a server runs.
_FOREIGN_PREFIXES = (
    "SPARK_",
    "HADOOP_",
    "HDFS_",
    "HIVE_",
    "KAFKA_",
    "AIRFLOW_",
    "PG",
    "PYTHON",
    "JAVA_TOOL_",
    "_JAVA_",
)
_BARE = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "SKYTIER_HOME"}


class Server(ABC):
    """One server of the stack."""

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    after_bootstrap: ClassVar[bool] = False
    """whether it waits for the steps of ``bootstrap``, such as the tables of the warehouse"""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    patience_seconds: ClassVar[float] = 120
    """how long to wait for it to be ready"""

    @abstractmethod
    def ports(self) -> dict[str, int]:
        """The ports it listens on, by the setting that moves each."""

    @abstractmethod
    def address(self) -> str:
        """Where clients find it."""

    def configure(self) -> None:  # noqa: B027 - not every server has something to do here
        """Write its configuration; alone where an image of others brings the programs."""

    def prepare(self) -> None:
        """Configure it and, the first time, make its data folder. Runs before every start."""
        self.configure()

    @abstractmethod
    def command(self) -> list[str]:
        """The command line; holds no secrets, for every user of the machine can read it."""

    def environment(self) -> dict[str, str]:
        """What it needs in its environment beside ``base_environment``."""
        return {}

    def whole_environment(self) -> dict[str, str]:
        """All that it has in its environment."""
        return base_environment() | self.environment()

    def responds(self) -> bool:
        """Whether it answers at all, so that ``set_up`` can run."""
        return self.ready()

    def set_up(self) -> None:  # noqa: B027 - as above
        """Make what has to exist inside the server, such as users or topics, where it does not exist yet."""

    def needs_of_start(self) -> None:  # noqa: B027 - as above
        """Ask for what has to be there before it can start; raises what tells that it is not yet."""

    def keep_up(self) -> None:  # noqa: B027 - as above
        """Make anew, where it is ready, what ended with an earlier process of it."""

    @abstractmethod
    def ready(self) -> bool:
        """Ask the server itself whether it can do its work. Any exception counts as no."""

    def is_stuck(self) -> bool:
        """Whether it runs, says that it is not ready, and only a restart helps."""
        return False

    def trouble(self) -> str | None:
        """Why it runs and is not ready, where it says so and neither waiting nor a restart helps, with what does."""
        return None


def yes(question: Callable[[], bool]) -> bool:
    """The answer of a server; one that starts answers in many ways, and all of them mean no."""
    return told(question) or False


def told(question: Callable[[], Answer]) -> Answer | None:
    """The answer of a server; None where it gives none, for one that starts answers in many ways."""
    try:
        return question()
    except Exception:
        return None


def base_environment() -> dict[str, str]:
    """The environment that every server gets: the user's, without what configures such servers elsewhere."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
    return own | {"TZ": "UTC", "SKYTIER_HOME": str(home())}


def make_home(*, may_be_open: bool = False) -> None:
    """Make the folder of all state, for its owner only; what an earlier version left open below is closed with it.

    It ``may_be_open`` where a platform makes it, as for a container in which nobody else is. Raises TerminalError where
    it is another user's.
    """
    folder = home()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & PRIVATE:
        try:
            folder.chmod(0o700)
        except PermissionError as error:
            if may_be_open:
                return
            raise TerminalError(
                f"{folder} is open to other users of the machine and belongs to {folder.owner()}: only its owner can "
                "start the stack in it. Set SKYTIER_HOME to a folder of your own."
            ) from error


def bare_environment() -> dict[str, str]:
    """As ``base_environment``, with what every program needs and nothing else of the user's: no secrets."""
    return {name: value for name, value in base_environment().items() if name in _BARE or name.startswith("LC_")}


def data_folder(name: str) -> Path:
    """The folder of a server's data."""
    return home() / "data" / name


def conf_folder() -> Path:
    """The folder of the configuration files that the stack writes."""
    folder = home() / "conf"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner may read, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: servers that start at the same time may write the same file. It is made with mode 600.
    number, aside = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(number, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    Path(aside).replace(path)
