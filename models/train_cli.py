"""``skytier train``: train the delay model, publish it, promote it if it is better."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from models import kept_trainings, model_versions
from models.card import Card
from models.figures_table import figures_table
from models.registry import Registry
from skytier import spark, terminal
from skytier.files import Files
from skytier.progress_bar import progress_bar

Flag = Annotated[bool, Parameter(negative="")]


def train(
    *,
    source: Literal["package", "warehouse"] = "package",
    reuse: Flag = False,
    if_missing: Flag = False,
    if_enough: Flag = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> None:
    """Train the delay model and publish it; promote it if it is better than the champion.

    Both are measured on the days held out of the training. 'skytier models list' shows all versions.

    Parameters
    ----------
    source
        The real flights of 2013 from the package, or what the warehouse's fact table holds now.
    reuse
        Publish the result of the very same training on the package if this machine kept one, instead of training
        again; else keep it.
    if_missing
        Do nothing when there is a champion already.
    if_enough
        End well, with nothing trained, when there are too few days to train and test on.
    as_json
        Print the version, its metrics, the baselines, whether it was promoted and why as JSON.
    """
    files = Files()
    registry = Registry(files)
    if if_missing and (champion := registry.champion()):
        model_versions.record(registry)  # of a stack that is older than the table
        reason = f"{champion.version} is the champion already: nothing was trained"
        _print(registry.card(champion.version), False, reason, as_json)
        return
    # Only what trains pays for importing XGBoost.
    from models import publication, training, training_data, training_progress

    def samples() -> training.Samples:
        if source == "package":
            return training.samples(training_data.from_package())
        spark.submit("export_training_events")
        return training.samples(training_data.from_warehouse(files))

    key = kept_trainings.key({"source": source}) if reuse and source == "package" else None
    try:
        with progress_bar("training", as_json) as shown:
            outcome = publication.train_and_publish(registry, samples, key, shown or training_progress.tell_nobody)
    except training.TooFewDaysError as error:
        if not if_enough:
            raise
        terminal.say(f"Nothing was trained: {error}", file=sys.stderr)
        return
    _print(outcome.card, outcome.promoted, outcome.reason, as_json)


def _print(card: Card, promoted: bool, reason: str, as_json: bool) -> None:
    version, metrics, baselines = card["version"], card["metrics"], card.get("baselines", {})
    if as_json:
        document = {"version": version, "promoted": promoted, "reason": reason}
        terminal.print_json(document | {"metrics": metrics, "baselines": baselines})
        return
    terminal.print_table(figures_table(metrics, baselines))
    terminal.say(f"{version} was {'promoted' if promoted else 'not promoted'}: {reason}.")
