"""A lease on HDFS: one holder at a time over all machines, and a fence against one that has lost it.

A lease is one folder in ``/metadata/leases/<name>``, whose name says everything: ``12.7.held`` is held by the holder
with token 12, ``12.7.free`` was released by it; 7 is the token of the newest holder that took over from one that had
not released it. To acquire the lease, take it over or release it is one rename of this folder, which the NameNode
takes or refuses as one: of several contenders one wins, and a holder whose folder was renamed has lost the lease.

A holder renews by setting the folder's time. A contender takes over when it has seen neither name nor time change for
as long as the lease holds, by its own monotonic clock: no two clocks are compared. A holder that is known to have ended
is not waited for.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from skytier import logs
from skytier.errors import LeaseLostError, SkytierError, TerminalError
from skytier.fence import Fence
from skytier.files import Files
from skytier.process_identity import ProcessIdentity, own_identity

LEASES = "/metadata/leases"
_HOLDER = "holder.json"
_TURN = re.compile(r"(\d+)\.(\d+)\.(held|free)")
_held_here: set[str] = set()
"""the ids of the leases that this process holds"""
log = logs.logger("lease")


@dataclass(frozen=True)
class Turn:
    """The state of a lease, as the name of its folder says it."""

    token: int
    taken_over: int
    """token of the newest holder that took over from one that had not released it, 0 where none ever did"""
    is_held: bool

    @property
    def name(self) -> str:
        """The folder's name."""
        return f"{self.token}.{self.taken_over}.{'held' if self.is_held else 'free'}"


class Holder(BaseModel):
    """What a holder says of itself, for those that wait. ``since`` in seconds of its own clock (Unix time)."""

    model_config = ConfigDict(frozen=True)

    token: int
    lease_id: str
    process: ProcessIdentity
    since: float
    seconds: float
    """how long it may go without renewing"""

    def has_ended(self) -> bool:
        """Whether it is known that nobody renews this lease any more."""
        is_own = self.process == own_identity()
        return self.lease_id not in _held_here if is_own else self.process.has_ended()


class Lease:
    """A lease that this process holds. ``files`` is HDFS for what only the holder may change."""

    def __init__(self, files: Files, name: str, turn: Turn) -> None:
        self.name, self.token, self.taken_over = name, turn.token, turn.taken_over
        self._all_files, self._turn, self._renewed = files, turn, 0
        self._id = uuid.uuid4().hex
        self.folder = f"{LEASES}/{name}/{turn.name}"
        self.own = Fence(self.folder, turn.token, turn.taken_over)
        self.files = files.behind(self.own)

    def require(self) -> None:
        """Raises LeaseLostError when another process has taken over."""
        self.files.require()

    def renew(self) -> None:
        """Say that the holder lives. Raises LeaseLostError when another process has taken over."""
        self._renewed = max(self._renewed + 1, time.time_ns() // 1_000_000)
        try:
            self._all_files.touch(self.folder, self._renewed)
        except TerminalError:
            self.require()
            raise

    def begin(self) -> None:
        """End what an earlier holder began. Raises LeaseLostError when another process has taken over."""
        _held_here.add(self._id)
        self.own.end_what_was_begun(self._all_files)

    def announce(self, seconds: float) -> None:
        """Tell those who wait who holds it, and how long it may go without renewing. Raises LeaseLostError.

        Until then they know that it is held, and wait for as long as they would themselves.
        """
        process = own_identity()
        holder = Holder(token=self.token, lease_id=self._id, process=process, since=time.time(), seconds=seconds)
        # Written elsewhere: to make a file makes the folders above it, and that of a lost lease must not come back.
        aside = f"{LEASES}/{self.name}/_{uuid.uuid4().hex}"
        self._all_files.create(aside, holder.model_dump_json().encode())
        try:
            self._all_files.move(aside, f"{self.folder}/{_HOLDER}", replace=True)
        except TerminalError:
            self._all_files.remove(aside)
            self.require()
            raise

    def give_up(self) -> None:
        """Let it expire, or be taken over at once by a process of this machine: whoever comes next is fenced off."""
        _held_here.discard(self._id)

    def release(self) -> None:
        """Let the next process have it at once. Where that fails, it expires."""
        self.give_up()
        free = Turn(self.token, self.taken_over, is_held=False)
        try:
            self._all_files.move(self.folder, f"{LEASES}/{self.name}/{free.name}")
        except SkytierError as error:
            log.warning("lease not released", lease=self.name, token=self.token, reason=str(error))


class Contender:
    """A process that wants a lease. ``seconds``: how long it holds without a renewal; ``clock`` is monotonic."""

    def __init__(self, files: Files, name: str, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self._files, self._seconds, self._clock = name, files, seconds, clock
        self._folder = f"{LEASES}/{name}"
        self._seen: tuple[Turn, int] | None = None
        self._seen_at = 0.0
        self.holder: Holder | None = None
        """who holds it, as far as that is known"""

    def acquire(self) -> Lease | None:
        """The lease, None while another process holds it."""
        asked_at = self._clock()
        turn, changed = self._look()
        if not turn.is_held:
            return self._take(turn, Turn(turn.token + 1, turn.taken_over, is_held=True))
        if (turn, changed) != self._seen:
            self._seen, self._seen_at = (turn, changed), self._clock()
        if self.holder is None or self.holder.token != turn.token:
            self.holder = self._read_holder(turn)
        if self._is_over(asked_at):
            token = turn.token + 1
            lease = self._take(turn, Turn(token, taken_over=token, is_held=True))
            if lease is not None:
                log.warning("lease taken over", lease=self.name, token=token, **self.holder_fields())
            return lease
        return None

    def holder_fields(self) -> dict[str, str | int]:
        """Who holds it, for a log event; nothing where that is not known."""
        if self.holder is None:
            return {}
        since = datetime.fromtimestamp(self.holder.since, UTC).isoformat(timespec="seconds")
        return {"host": self.holder.process.host, "pid": self.holder.process.pid, "since": since}

    def _is_over(self, asked_at: float) -> bool:
        if self.holder is not None and self.holder.has_ended():
            return True
        patience = max(self._seconds, self.holder.seconds) if self.holder else self._seconds
        return asked_at - self._seen_at >= patience

    def _look(self) -> tuple[Turn, int]:
        found = self._files.folders(self._folder)
        if not found:
            self._begin()
            found = self._files.folders(self._folder)
        turns = [Turn(int(m[1]), int(m[2]), m[3] == "held") for name in found if (m := _TURN.fullmatch(name))]
        if len(turns) != 1:
            raise TerminalError(
                f"{self._folder} on HDFS must have one folder, such as 12.0.free, and has {sorted(found)}. Stop every "
                f"process that works on {self.name}, delete {self._folder}; the next one creates it."
            )
        return turns[0], found[turns[0].name]

    def _begin(self) -> None:
        """Make the folder of the lease, once: made a second time it would be a second lease of the name."""
        aside = f"{LEASES}/_{uuid.uuid4().hex}"
        self._files.make_folder(f"{aside}/{Turn(0, 0, is_held=False).name}")
        try:
            self._files.move(aside, self._folder)
        except TerminalError:
            self._files.remove(aside)
            if not self._files.exists(self._folder):
                raise

    def _take(self, before: Turn, after: Turn) -> Lease | None:
        """Rename the folder: the lease is this process's then. None where another process was first."""
        try:
            self._files.move(f"{self._folder}/{before.name}", f"{self._folder}/{after.name}")
        except TerminalError:
            if before.name in self._files.folders(self._folder):
                raise
            return None
        lease = Lease(self._files, self.name, after)
        try:
            lease.begin()
        except LeaseLostError:
            lease.give_up()
            return None
        except Exception:
            lease.give_up()
            raise
        return lease

    def _read_holder(self, turn: Turn) -> Holder | None:
        path = f"{self._folder}/{turn.name}/{_HOLDER}"
        try:
            holder = Holder.model_validate_json(self._files.read_text(path))
        except (TerminalError, ValidationError):
            return None  # it has only just taken it, or given it up
        return holder if holder.token == turn.token else None  # else what the holder before it left
