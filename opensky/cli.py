"""``skytier opensky``: publish where aircraft are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.table import Table

from opensky.areas import areas, credits_of
from opensky.client import Client
from opensky.polls import Pace, Poller, Report
from opensky.publisher import StatesPublisher
from opensky.raw_answers import RawAnswers
from skytier import logs, terminal
from skytier.errors import TerminalError, TransientError
from skytier.files import Files
from skytier.settings.hdfs import HdfsSettings
from skytier.settings.kafka import KafkaSettings
from skytier.settings.opensky import OpenSkySettings
from skytier.shutdown import stop_on_signals

_FASTEST_POLLS_A_DAY = 86_400 // 5

log = logs.logger("opensky")

Count = Annotated[int | None, Parameter(validator=Number(gte=1))]


def opensky(
    *,
    sample: Annotated[bool, Parameter(negative="")] = False,
    aircraft: Annotated[int | None, Parameter(validator=Number(gte=1, lte=20_000))] = None,
    polls: Count = None,
    json: bool = False,
) -> None:
    """Poll the OpenSky Network for the state vectors of aircraft, and publish them.

    Each answer is stored in HDFS as it came, below /opensky/raw. Valid states go to the Kafka topic
    SKYTIER_KAFKA_STATES_TOPIC, other rows with their reasons to SKYTIER_KAFKA_INVALID_STATES_TOPIC. It polls every
    SKYTIER_OPENSKY_INTERVAL_SECONDS, or as often as the credits of the account allow. A poll that fails is logged, and
    the next one follows. SIGTERM and Ctrl-C stop it after the current poll.

    OpenSky's data are for research and non-commercial use.

    Parameters
    ----------
    sample
        Poll a server of this machine that replays recorded trajectories instead of the network. Needs no network and
        no account.
    aircraft
        With --sample: about how many aircraft there are at a time. Beyond those of the recording, they are shifted
        copies with the origin country 'Synthetic' and addresses that no country has.
    polls
        Stop after this number of polls. By default it polls until it is stopped.
    json
        Print the report as JSON.
    """
    if aircraft is not None and not sample:
        raise TerminalError("--aircraft multiplies the aircraft of the sample: give --sample as well.")
    settings = OpenSkySettings()
    with stop_on_signals() as stop, _polled(settings, aircraft, is_sample=sample) as polled:
        wanted = areas(polled.box)
        pace = Pace(polled, wanted)
        source = "sample" if sample else "opensky"
        publisher = StatesPublisher(KafkaSettings(), source)
        publisher.producer()  # a topic that is missing ends the command before the first poll
        client = Client(polled, is_on_this_machine=sample)
        try:
            pace.log()
            raw = RawAnswers(Files(HdfsSettings()), polled.raw_days)
            report = Poller(client, wanted, pace, raw, publisher, source).run(stop, polls)
        finally:
            client.close()
        was_stopped = stop.is_set()
    _show(report, as_json=json)
    if report.failed == report.polls and not was_stopped:
        raise TransientError(f"No poll of {report.polls} was done: the log names the reason of each.")


@contextmanager
def _polled(settings: OpenSkySettings, aircraft: int | None, *, is_sample: bool) -> Iterator[OpenSkySettings]:
    """The settings of what is polled: the network, or, while the block runs, the sample's server."""
    if not is_sample:
        yield settings
        return
    from opensky.sample import server, trajectories  # who polls the network needs no NumPy
    from opensky.sample.replay import Replay

    replay = Replay(trajectories.load(Path(settings.trajectories or trajectories.FETCHED)), aircraft)
    enough = _FASTEST_POLLS_A_DAY * sum(map(credits_of, areas(settings.box)))
    api = server.Api(replay, credits_a_day=enough)
    log.info("sample", data="recorded by the OpenSky Network: research and non-commercial use", aircraft=aircraft)
    with server.served(api.app()) as url:
        yield server.settings_of(api, url, settings, enough)


def _show(report: Report, *, as_json: bool) -> None:
    found = report.as_dict()
    if as_json:
        terminal.print_json(found)
        return
    table = Table(show_header=False, box=None)
    for name, value in found.items():
        text = ", ".join(f"{reason} {count:,}" for reason, count in value.items()) if isinstance(value, dict) else value
        shown = f"{text:,}" if isinstance(text, int) else str("-" if text in (None, "") else text)
        terminal.add_row(table, name.replace("_", " "), shown)
    terminal.print_table(table)
