"""Commands side by side, some of them killed, against the truth of the topic: ``python -m tests.faults.campaign``.

Each round publishes events, starts two commands at random moments, kills none, one or both of them, lets one more run
finish what was begun, and compares what queries see with what was sent. The first difference ends the campaign, with
the seed that repeats its choices. The moments of a kill are those of a real machine: the same seed makes the same
choices, not the same interleaving.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from skytier.archive.manifest import Manifest, State
from tests.archive_runs import size_mb
from tests.faults.archive_rounds import kill_all
from tests.faults.truth import Truth
from tests.flights_archive import on_hdfs
from tests.own_stack import BY_SPARK_SUBMIT, SHORT_LIVED, SKYTIER, WITHOUT, OwnStack, own_stack, settings_of

EVENTS_A_ROUND, FIRST = 300, "2013-06-01T00:00:00Z"
LONGEST_SECONDS = 300
SETTINGS = {
    "SKYTIER_ARCHIVE_GRACE_SECONDS": "4",
    "SKYTIER_ARCHIVE_SETTLE_SECONDS": "1",
    "SKYTIER_ARCHIVE_MINIMUM_AGE_HOURS": "0",
    "SKYTIER_ARCHIVE_LOW_WATER_PCT": "70",
    "SKYTIER_ARCHIVE_DOCUMENTS_PER_RANGE": "200",
    "SKYTIER_ARCHIVE_LIMIT_MB": "300",
}
OF_ONE_ARCHIVE = ("restore", "unpin", "hold", "release", "verify")
WEIGHTS = {"process": 1, "rebuild": 1, "run": 3, "compact": 2, "expire": 2, "abandon": 1} | dict.fromkeys(
    OF_ONE_ARCHIVE, 1
)
WEIGHTS |= {"restore": 2, "hold": 2}
NO_ARCHIVE = "archive_20130101T000000_000000"
ARCHIVES_AT_FIRST = 3

app = App(help="Commands of the archive side by side and killed, on a stack of its own.")


class Started:
    """A command that runs beside others, and is killed with all its processes some seconds after its start, or not."""

    def __init__(self, arguments: list[str], environment: dict[str, str], said: Path, kill_after: float | None) -> None:
        self.arguments, self.said, self.kill_after = arguments, said, kill_after
        with said.open("wb") as output:
            self.process = subprocess.Popen([SKYTIER, *arguments], env=environment, stdout=output, stderr=output)
        self._killer = threading.Timer(kill_after or LONGEST_SECONDS, kill_all, [self.process.pid])
        self._killer.start()

    def end(self) -> str:
        """Wait for its end; how it ended, in a word."""
        status = self.process.wait()
        self._killer.cancel()
        if status == 0:
            return "ok"
        if status < 0:
            return "killed" if self.kill_after is not None else "hung"
        return "refused" if self.reason().startswith("error: ") else "crashed"

    def reason(self) -> str:
        """Its last line, which is to be a sentence where it failed."""
        return (self.said.read_text(errors="replace").splitlines() or [""])[-1]


class Campaign:
    """Rounds on one stack."""

    def __init__(self, stack: OwnStack, seed: int, report: Callable[[str], object]) -> None:
        self.stack, self.seed, self.report = stack, seed, report
        self.rng, self.truth, self.number, self.published = random.Random(seed), Truth(), 0, 0
        self.manifests = on_hdfs()
        self.chosen = NO_ARCHIVE

    def begin(self) -> None:
        """Some archives for the commands to be about."""
        for _ in range(ARCHIVES_AT_FIRST):
            self.publish("--start", FIRST)
            self.run("process")
            self.run("reconcile")
            self.run("archive", "run", **self.over_limit())
        self.report(f"begin: {self.truth.check()}")

    def round(self) -> None:
        """One round. Raises AssertionError at a difference."""
        self.number += 1
        self.publish()
        self.truth.learn()
        self.chosen = self.rng.choice(self.archives("") or [NO_ARCHIVE])
        kinds = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=2)
        pair = [self.start(kind) for kind in kinds]
        ends = [one.end() for one in pair]
        self.report(f"round {self.number}: {'; '.join(map(_said, pair, ends))}")
        for one, end in zip(pair, ends, strict=True):
            assert end not in ("crashed", "hung"), one.said.read_text()[-3000:]
            assert end != "refused" or _may_be_refused(one), one.reason()
            if end == "ok" and "hold" in one.arguments:
                self.truth.holds(one.arguments[2])
        if any("release" in one.arguments for one in pair):
            self.truth.released()  # whether it was killed or not, and whichever came first
        self.come_to_rest()
        self.report(f"round {self.number}: {self.truth.check()}")

    def publish(self, *options: str) -> None:
        self.published += 1
        seed = str(self.seed * 10_000 + self.published)
        rates = ("--late-rate", "0.05", "--duplicate-rate", "0.05")
        self.run("synthesize", "--events", str(EVENTS_A_ROUND), "--seed", seed, *rates, *options)

    def over_limit(self) -> dict[str, str]:
        """Settings under which a run has something to move."""
        return {"SKYTIER_ARCHIVE_LIMIT_MB": str(size_mb() * 0.9)}

    def start(self, kind: str) -> Started:
        """Start a command at a random moment after the one before; it may be killed at another one."""
        arguments, settings = self.command(kind)
        kill_after = self.rng.uniform(0.5, 14.0) if self.rng.random() < 0.5 else None
        pause = self.rng.uniform(0.0, 6.0)
        said = self.stack.home / "logs" / f"campaign-{self.number}-{kind}-{self.rng.randrange(1000)}.log"
        environment = self.stack.environment() | SETTINGS | BY_SPARK_SUBMIT | settings
        started = Started(arguments, environment, said, kill_after)
        time.sleep(pause)
        return started

    def command(self, kind: str) -> tuple[list[str], dict[str, str]]:
        """What a kind of command is told now, and the settings that it has of its own."""
        if kind == "process":
            return ["process"], {}
        if kind == "rebuild":
            return ["hot", "rebuild"], {}
        if kind == "run":
            return ["archive", "run"], self.over_limit()
        if kind == "expire":
            return ["archive", "expire"], self.truth.retention_of_the_oldest()
        if kind == "compact":
            return ["archive", "compact"], {}
        reason = ["--reason", "campaign"] if kind in ("hold", "release", "abandon") else []
        # Often both commands of a round are about the same archive.
        others = self.archives(kind) or [NO_ARCHIVE]
        chosen = self.chosen if kind in OF_ONE_ARCHIVE and self.rng.random() < 0.7 else self.rng.choice(others)
        return ["archive", kind, chosen, *reason], {}

    def archives(self, kind: str) -> list[str]:
        under_way = self.manifests.open()
        if kind == "abandon":
            return [under_way.archive_id] if under_way else []
        # The last four, and among them those of which much happens.
        return [manifest.archive_id for manifest in self.manifests.all() if _is_of_interest(manifest)][-4:]

    def come_to_rest(self) -> None:
        """What the next runs of Airflow do."""
        self.run("process")
        self.run("reconcile")
        self.run("archive", "expire")  # without a retention time: what was begun is finished
        self.run("archive", "run")
        assert self.manifests.open() is None
        left = [m.archive_id for m in self.manifests.all() if m.state is State.EXPIRING]
        assert not left, f"{left} are hidden for ever"
        self.run("reconcile", "duplicates")

    def run(self, *arguments: str, **settings: str) -> None:
        done = self.stack.run_with(self.stack.environment() | SETTINGS | settings, *arguments)
        assert done.returncode == 0, f"skytier {' '.join(arguments)}: {done.stdout[-1000:]}{done.stderr[-3000:]}"

    def end(self) -> None:
        """Everything that is restored goes back, and nothing of an archive is hot."""
        for manifest in self.manifests.all():
            if manifest.state is State.DONE and manifest.restored:
                self.run("archive", "unpin", manifest.archive_id)
        self.come_to_rest()
        self.report(f"end: {self.truth.check()}")
        assert self.truth.restored() == 0


def _said(one: Started, end: str) -> str:
    more = {
        "killed": f" after {one.kill_after:.1f} s" if one.kill_after else "",
        "refused": f" ({one.reason()[7:160]})",
    }
    return f"{' '.join(one.arguments[:3])}: {end}{more.get(end, '')}"


def _may_be_refused(one: Started) -> bool:
    """What comes by itself has to end well, but for a run whose archive somebody abandons."""
    is_unasked = one.arguments in (["process"], ["hot", "rebuild"], ["archive", "run"])
    return not is_unasked or "abandoned" in one.reason()


def _is_of_interest(manifest: Manifest) -> bool:
    return manifest.state in (State.DONE, State.PUBLISHED, State.PURGED, State.EXPIRING)


def rounds(stack: OwnStack, seed: int, is_over: Callable[[int], bool], report: Callable[[str], object]) -> int:
    """Rounds until it is over; how many. Raises AssertionError, with the seed, at the first difference."""
    campaign = Campaign(stack, seed, report)
    try:
        campaign.begin()
        while not is_over(campaign.number):
            campaign.round()
        campaign.end()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}, round {campaign.number}: {error}") from error
    return campaign.number


@app.default
def main(
    *,
    minutes: Annotated[float, Parameter(help="how long, about")] = 60,
    seed: Annotated[int | None, Parameter(help="choices of the rounds; none: other ones each time")] = None,
) -> None:
    """Run rounds; exit status 1, with the seed, at the first event that is lost, doubled, hidden or changed."""
    seed = random.randrange(1_000_000) if seed is None else seed
    print(f"seed {seed}", flush=True)
    try:
        with own_stack("campaign", SHORT_LIVED) as stack, settings_of(stack):
            stack.up(without=WITHOUT)
            with stack.one_driver():
                deadline = time.monotonic() + minutes * 60
                number = rounds(
                    stack, seed, lambda _: time.monotonic() > deadline, lambda line: print(line, flush=True)
                )
    except AssertionError as error:
        sys.exit(f"DIFFERENT: {error}")
    print(f"{number} rounds, exact each; seed {seed}.")


if __name__ == "__main__":
    app()
