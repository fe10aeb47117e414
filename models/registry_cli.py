"""``skytier models``: the versions of the delay model, and which of them predicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich.table import Table

from models.card import Card
from models.figures_table import figures_table
from models.registry import Champion, Registry
from skytier import terminal
from skytier.files import Files

if TYPE_CHECKING:
    from models.drift_monitor import Figure, Report

app = App(name="models", help="The versions of the delay model: list, show, promote, rollback; and how they drift.")

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
STAGES = ("before_departure", "after_departure")
EMPTY = "There is no model yet: run 'skytier train'."


@app.command(name="list")
def list_versions(*, as_json: AsJson = False) -> None:
    """List all versions, oldest first. MAE is the mean absolute error of the predicted delay, in minutes.

    Parameters
    ----------
    as_json
        Print a JSON array of the versions' cards, each with "champion", true or false.
    """
    registry = Registry(Files())
    cards, champion = registry.versions(), _champion_version(registry)
    if as_json:
        terminal.print_json([card | {"champion": card["version"] == champion} for card in cards])
    elif not cards:
        print(EMPTY)
    else:
        terminal.print_table(_versions_table(cards, champion))


@app.command
def show(version: str, *, as_json: AsJson = False) -> None:
    """Show what a version was trained on and how good it is.

    Parameters
    ----------
    version
        Its name, as 'skytier models list' shows it.
    as_json
        Print its card as JSON, with "champion", true or false.
    """
    registry = Registry(Files())
    card = registry.card(version)
    is_champion = version == _champion_version(registry)
    if as_json:
        terminal.print_json(card | {"champion": is_champion})
        return
    data, console = card["data"], terminal.console()
    console.print(f"{version}{', the champion' if is_champion else ''}", style="bold")
    terminal.say(f"trained at {_time(card['trained_at'])}")
    terminal.say(f"on {data['rows']:,} rows of {data['source']}, {data['from']} to {data['to']}")
    for part, (first, last) in card["split"].items():
        terminal.say(f"  days to {part} on: {first} to {last}")
    terminal.print_table(figures_table(card["metrics"], card.get("baselines", {})))
    for name, checksum in card["files"].items():
        console.print(terminal.visible(f"{name}  SHA-256 {checksum}"), style="dim")


@app.command
def promote(version: str, *, reason: str, as_json: AsJson = False) -> None:
    """Let a version predict from now on.

    Parameters
    ----------
    version
        Its name, as 'skytier models list' shows it.
    reason
        Why; kept with the champion.
    as_json
        Print the champion as JSON.
    """
    _print_champion(Registry(Files()).promote(version, reason), as_json)


@app.command
def rollback(*, reason: str, as_json: AsJson = False) -> None:
    """Let the champion before this one predict again.

    Parameters
    ----------
    reason
        Why; kept with the champion.
    as_json
        Print the champion as JSON.
    """
    _print_champion(Registry(Files()).rollback(reason), as_json)


@app.command
def drift(*, days: Annotated[int, Parameter(validator=Number(gte=1, lte=60))] = 7, as_json: AsJson = False) -> None:
    """Compare the flights of the last days with what the champion was trained on; store that, and show the newest day.

    The table flight_dw.model_drift has all days. A stability index below 0.1 is stable, one above 0.25 is a shift.

    Parameters
    ----------
    days
        How many days before that of the newest event.
    as_json
        Print the figures of all days and the warnings as JSON.
    """
    from models import drift_monitor  # only this command pays for importing pandas

    report = drift_monitor.monitor(days)
    if as_json:
        clock = report.clock.isoformat() if report.clock else None
        figures = [figure.document() for figure in report.figures]
        head = {"model_version": report.version, "clock": clock}
        terminal.print_json(head | {"figures": figures, "warnings": report.warnings})
    elif report.clock is None or not report.figures:
        print("No day has enough flights, and the time before it, in the hot tier: there is nothing to compare yet.")
    else:
        newest = max(figure.flight_date for figure in report.figures)
        rows = [figure for figure in report.figures if figure.flight_date == newest]
        so_far = "" if drift_monitor.is_complete(newest, report.clock) else " so far"
        _print_drift(report, rows, f"{newest}{so_far}")


def _champion_version(registry: Registry) -> str | None:
    champion = registry.champion()
    return champion.version if champion else None


def _print_champion(champion: Champion, as_json: bool) -> None:
    if as_json:
        terminal.print_json(champion.document())
    else:
        since = f"{champion.since:%Y-%m-%d %H:%M:%S}Z"
        print(f"{champion.version} is the champion since {since}: {terminal.visible(champion.reason)}")


def _print_drift(report: Report, rows: list[Figure], day: str) -> None:
    """The errors of a day, and by stage its ten largest stability indexes."""
    console = terminal.console()
    console.print(f"{report.version} on the flights of {day}", style="bold")
    errors = Table("stage", "error", header_style="bold")
    shifts = Table("stage", "feature", header_style="bold")
    for table, names in ((errors, ("value", "test days", "flights")), (shifts, ("stability index", "flights"))):
        for name in names:
            table.add_column(name, justify="right")
    for stage in STAGES:
        of_stage = [row for row in rows if row.stage == stage]
        for row in of_stage:
            if row.measure == "error":
                terminal.add_row(
                    errors, stage, row.name, _number(row.value), _number(row.reference), f"{row.flights:,}"
                )
        moved = sorted((row for row in of_stage if row.measure == "feature"), key=lambda row: -row.value)
        for row in moved[:10]:
            terminal.add_row(shifts, stage, row.name, f"{row.value:.2f}", f"{row.flights:,}")
    terminal.print_table(errors)
    terminal.print_table(shifts)
    for message in report.warnings.values():
        console.print(f"warning: {terminal.visible(message)}", style="yellow")


def _versions_table(cards: list[Card], champion: str | None) -> Table:
    table = Table(header_style="bold")
    table.add_column("version", no_wrap=True)  # what one copies
    table.add_column("trained at", min_width=len("2026-11-21"))  # the time may go below it
    for name in ("rows", "MAE\nbefore", "MAE\nafter"):
        table.add_column(name, justify="right")
    table.add_column("champion", justify="center", no_wrap=True)
    for card in cards:
        version, maes = card["version"], [card["metrics"].get(stage, {}).get("mae") for stage in STAGES]
        mark = "*" if version == champion else ""
        rows = f"{card['data']['rows']:,}"
        terminal.add_row(table, version, _time(card["trained_at"]), rows, *[_number(mae) for mae in maes], mark)
    return table


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _number(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else ""
