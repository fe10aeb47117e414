"""``skytier models``: the versions of the delay model and its champion."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from models.delay import REGISTRY_ROOT, drift_cli
from models.delay.metrics_table import metrics_table, time_text, versions_table
from models.registry import Champion, Registry
from skytier import terminal
from skytier.files import Files

app = App(name="models", help="List, show, promote and roll back versions of the delay model; measure its drift.")
app.command(drift_cli.drift)

AsJson = Annotated[bool, Parameter(name="--json", negative="")]
EMPTY = "No version is published: run 'skytier train'."


@app.command(name="list")
def list_versions(*, as_json: AsJson = False) -> None:
    """List all versions, oldest first. MAE is the mean absolute error of the predicted delay, in minutes.

    Parameters
    ----------
    as_json
        Print a JSON array of the versions' cards, each with "champion", true or false.
    """
    registry = _registry()
    cards, champion = registry.versions(), _champion_version(registry)
    if as_json:
        terminal.print_json([card | {"champion": card["version"] == champion} for card in cards])
    elif not cards:
        print(EMPTY)
    else:
        terminal.print_table(versions_table(cards, champion))


@app.command
def show(version: str, *, as_json: AsJson = False) -> None:
    """Show the training data, the metrics and the files of a version.

    Parameters
    ----------
    version
        Name of the version, as in 'skytier models list'.
    as_json
        Print the card as JSON, with "champion", true or false.
    """
    registry = _registry()
    card = registry.card(version)
    is_champion = version == _champion_version(registry)
    if as_json:
        terminal.print_json(card | {"champion": is_champion})
        return
    data, console = card["data"], terminal.console()
    console.print(f"{version}{', the champion' if is_champion else ''}", style="bold")
    terminal.say(f"trained at {time_text(card['trained_at'])}")
    terminal.say(f"on {data['rows']:,} rows of {data['source']}, {data['from']} to {data['to']}")
    for part, (first, last) in card["split"].items():
        terminal.say(f"  days to {part} on: {first} to {last}")
    terminal.print_table(metrics_table(card["metrics"], card.get("baselines", {})))
    for name, checksum in card["files"].items():
        console.print(terminal.visible(f"{name}  SHA-256 {checksum}"), style="dim")


@app.command
def promote(version: str, *, reason: str, as_json: AsJson = False) -> None:
    """Promote a version to champion. The next minute run predicts with it.

    Parameters
    ----------
    version
        Name of the version, as in 'skytier models list'.
    reason
        Reason of the promotion, stored with the champion.
    as_json
        Print the champion as JSON.
    """
    _print_champion(_registry().promote(version, reason), as_json)


@app.command
def rollback(*, reason: str, as_json: AsJson = False) -> None:
    """Restore the champion before the current one. The next minute run predicts with it.

    Parameters
    ----------
    reason
        Reason of the rollback, stored with the champion.
    as_json
        Print the champion as JSON.
    """
    _print_champion(_registry().rollback(reason), as_json)


def _registry() -> Registry:
    return Registry(Files(), REGISTRY_ROOT)


def _champion_version(registry: Registry) -> str | None:
    champion = registry.champion()
    return champion.version if champion else None


def _print_champion(champion: Champion, as_json: bool) -> None:
    if as_json:
        terminal.print_json(champion.document())
    else:
        since = f"{champion.since:%Y-%m-%d %H:%M:%S}Z"
        print(f"{champion.version} is the champion since {since}: {terminal.visible(champion.reason)}")
