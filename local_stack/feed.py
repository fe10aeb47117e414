"""The live feed: the replay of real flights that goes on after the back-fill."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

from local_stack import processes
from local_stack.server import Server
from skytier.settings.feed import FeedSettings
from skytier.settings.mongodb import MongoSettings

SKYTIER = str(Path(sys.executable).parent / "skytier")


def first_live_day() -> date:
    """The day after the back-fill."""
    settings = FeedSettings()
    return settings.start + timedelta(days=settings.backfill_days)


class Feed(Server):
    """A replay that publishes each event when its time has come, and goes on where it was stopped.

    Where more was published by hand meanwhile, it goes on with the day after that.
    """

    name = "feed"
    needs = ("kafka",)
    after_bootstrap = True

    def ports(self) -> dict[str, int]:
        return {}

    def address(self) -> str:
        return f"{FeedSettings().speed:g} flight minutes a minute from {first_live_day()}"

    def command(self) -> list[str]:
        live = ["--from", first_live_day().isoformat(), "--speed", str(FeedSettings().speed)]
        return [SKYTIER, "replay", *live, "--resume", "--after-newest", "--stay"]

    def environment(self) -> dict[str, str]:
        mongodb = MongoSettings()
        return {  # of the hot tier it reads only which day is the newest
            "SKYTIER_MONGODB_USER": mongodb.reader_user,
            "SKYTIER_MONGODB_PASSWORD": mongodb.reader_password.get_secret_value(),
        }

    def ready(self) -> bool:
        return processes.find(self.name) is not None
