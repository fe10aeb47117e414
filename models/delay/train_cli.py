"""``skytier train``: train the delay model, publish it, and promote it if it is better."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from models.card import Card
from models.delay import REGISTRY_ROOT, model_versions
from models.delay.metrics_table import metrics_table
from models.registry import Registry
from skytier import spark, terminal
from skytier.files import Files
from skytier.progress_bar import progress_bar
from skytier.settings.base import home

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

    Both versions are evaluated on days that the training does not use. 'skytier models list' shows all versions.

    Parameters
    ----------
    source
        Train on the real flights of 2013 from the package, or on the fact table of the warehouse.
    reuse
        Publish the result from the training cache of this machine, if the cache holds one for the same code, libraries
        and data; else train, and store the result there. For the package only.
    if_missing
        Do nothing if there is a champion.
    if_enough
        Exit with status 0 and train nothing if there are too few days to train and test on.
    as_json
        Print the version, its metrics, the baselines, whether it was promoted and why as JSON.
    """
    files = Files()
    registry = Registry(files, REGISTRY_ROOT)
    if if_missing and (champion := registry.champion()):
        model_versions.record(registry)  # of a stack that is older than the table
        reason = f"{champion.version} is already the champion: nothing was trained"
        _print(registry.card(champion.version), False, reason, as_json)
        return
    # Only a training pays for importing XGBoost.
    from models import training_cache, training_progress
    from models.delay import publication, samples, training, training_data

    def of_source() -> samples.Samples:
        if source == "package":
            return samples.samples(training_data.from_package())
        spark.submit("export_training_events")
        return samples.samples(training_data.from_warehouse(files))

    key = training_cache.key(training.MODULES, {"source": source}) if reuse and source == "package" else None
    try:
        with progress_bar("training", as_json) as shown:
            outcome = publication.train_and_publish(
                registry, of_source, home() / "models", key, shown or training_progress.ignore_progress
            )
    except samples.TooFewDaysError as error:
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
    terminal.print_table(metrics_table(metrics, baselines))
    terminal.say(f"{version} was {'promoted' if promoted else 'not promoted'}: {reason}.")
