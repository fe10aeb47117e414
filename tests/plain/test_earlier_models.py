"""Versions and champions that version 0.1 wrote still load: nobody has to train again after an update."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.card import CARD, is_complete, read_version
from models.delay import REGISTRY_ROOT, delay_model, drift_metrics, features, training_data
from models.delay.drift_reference import REFERENCE
from models.registry import CHAMPION, Registry
from tests.files_in_memory import FilesInMemory

pytestmark = pytest.mark.plain

WRITTEN = Path(__file__).parents[1] / "data" / "delay_model_0_1"
VERSION = "20261129T182757Z-087af64c"
FOLDER = WRITTEN / VERSION
DAY = date(2013, 4, 25)


@pytest.fixture
def registry() -> Registry:
    """The folder of the delay model on HDFS as version 0.1 left it."""
    files = FilesInMemory()
    card = json.loads((FOLDER / CARD).read_text())
    files.documents[f"{REGISTRY_ROOT}/{CHAMPION}"] = json.loads((WRITTEN / CHAMPION).read_text())
    for version in (VERSION, "20261101T030000Z-aaaaaaaa", "20261108T030000Z-bbbbbbbb"):
        files.documents[f"{REGISTRY_ROOT}/{version}/{CARD}"] = card | {"version": version}
    return Registry(files, REGISTRY_ROOT)


def test_a_folder_is_complete_and_predicts_what_it_predicted() -> None:
    assert is_complete(FOLDER)
    events = training_data.from_package(DAY, DAY).events
    targets = events[features.is_predicted_on(events)]
    model = delay_model.load(FOLDER)
    made = model.predict(features.build(targets, events), targets["event_type"].map(features.STAGES))
    sums = made[list(delay_model.PREDICTION_COLUMNS[:4])].sum().to_dict()
    assert len(made) == 1946
    assert sums == pytest.approx(
        {
            "predicted_delay_minutes": 21691.02,
            "predicted_delay_lower_minutes": -41468.09,
            "predicted_delay_upper_minutes": 149640.04,
            "prediction_confidence": 913.2702,
        },
        abs=0.01,
    )
    assert set(made["model_version"]) == {VERSION}


def test_its_drift_is_measured() -> None:
    card, _ = read_version(FOLDER)
    reference: dict[str, Any] = json.loads((FOLDER / REFERENCE).read_text())
    events = training_data.from_package(date(2013, 4, 23), DAY).events
    unknown = dict.fromkeys((*drift_metrics.BOUNDS, *drift_metrics.ERROR_COLUMNS.values()), float("nan"))
    known = events.assign(model_version=VERSION, **unknown)[list(drift_metrics.EVENT_COLUMNS)]
    found = drift_metrics.metrics(known, card, reference, DAY, datetime(2013, 4, 23, tzinfo=UTC))
    assert {metric.name for metric in found} == set(features.FEATURES) - {"month"}


def test_its_champion_has_a_history_and_can_be_rolled_back(registry: Registry) -> None:
    champion = registry.champion()
    assert champion is not None
    assert (champion.version, champion.reason, champion.by) == (VERSION, "it errs", "ann")
    assert [tenure.version for tenure in champion.earlier] == ["20261101T030000Z-aaaaaaaa"]
    (ended,) = champion.rolled_back
    assert (ended.version, ended.until_reason) == ("20261108T030000Z-bbbbbbbb", "it errs")
    assert champion.document() == json.loads((WRITTEN / CHAMPION).read_text())
    assert registry.rollback("of a test").version == "20261101T030000Z-aaaaaaaa"
    assert len(registry.versions()) == 3
