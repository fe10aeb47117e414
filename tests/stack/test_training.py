"""Training on real servers: train, publish, compare with the champion, promote, and use the training cache."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from models import training_cache
from models.delay import REGISTRY_ROOT, features, model_versions, publication, stage_training, training
from models.delay.samples import Samples, split
from models.delay.samples import samples as make_samples
from models.delay.training_data import from_package
from models.registry import Registry
from skytier.errors import TerminalError
from skytier.files import Files
from skytier.sql import query
from tests.own_stack import OwnStack

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("stack")]


@pytest.fixture(scope="module")
def samples() -> Samples:
    """The features of 70 days: 52 to train on, 6 to tune on, 12 to test on."""
    return make_samples(from_package(date(2013, 1, 1), date(2013, 3, 11)))


@pytest.fixture
def fetched(tmp_path: Path) -> Path:
    """The local folder of fetched versions."""
    return tmp_path / "fetched"


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_training, "POINT_ROUNDS", 25)
    monkeypatch.setattr(stage_training, "INTERVAL_ROUNDS", 4)


def test_the_first_is_promoted_a_worse_one_only_published(
    registry: Registry, samples: Samples, few_rounds: None, fetched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publication.train_and_publish(registry, lambda: samples, fetched)
    assert (first.promoted, first.reason) == (True, "there is no champion yet")
    for stage, metrics in first.card["metrics"].items():
        assert metrics["mae"] < first.card["baselines"][stage]["train_median"]["mae"]

    monkeypatch.setattr(stage_training, "POINT_ROUNDS", 1)
    second = publication.train_and_publish(registry, lambda: samples, fetched)
    assert not second.promoted
    ours, theirs = (outcome.card["metrics"]["after_departure"]["mae"] for outcome in (second, first))
    assert f"after_departure MAE {ours:.2f} min (champion {theirs:.2f})" in second.reason
    assert "optimistic" not in second.reason

    champion = registry.champion()
    assert champion is not None
    assert (champion.version, champion.earlier) == (first.card["version"], ())
    assert registry.versions() == [first.card, second.card]


def test_a_published_version_is_a_row_in_sql(
    registry: Registry, samples: Samples, few_rounds: None, fetched: Path
) -> None:
    card = publication.train_and_publish(registry, lambda: samples, fetched).card
    version, metrics = card["version"], card["metrics"]
    of_version = f"FROM flight_dw.model_versions WHERE model_version = '{version}'"
    known = query(f"SELECT * {of_version}").dicts()
    assert known == [
        {
            "model_version": version,
            "trained_at": datetime.fromisoformat(card["trained_at"]),
            "trained_on": "package",
            "samples": len(samples.frame),
            "train_from": date(2013, 1, 1),
            "train_to": date(2013, 2, 27),
            "test_from": date(2013, 2, 28),
            "test_to": date(2013, 3, 11),
            "mae_before_departure_minutes": pytest.approx(metrics["before_departure"]["mae"]),
            "mae_after_departure_minutes": pytest.approx(metrics["after_departure"]["mae"]),
        }
    ]
    assert model_versions.record(registry) == []
    query(f"DELETE {of_version}")
    assert model_versions.record(registry) == [version]
    assert query(f"SELECT * {of_version}").dicts() == known


def test_a_champion_that_was_trained_on_the_test_days_is_noted(
    registry: Registry, samples: Samples, few_rounds: None, fetched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_training, "POINT_ROUNDS", 1)
    publication.train_and_publish(registry, lambda: samples, fetched)
    monkeypatch.setattr(stage_training, "POINT_ROUNDS", 25)
    earlier = samples.frame[samples.frame["day"] < "2013-03-02"]
    fewer = Samples(earlier, split(date(2013, 1, 1), date(2013, 3, 1)), samples.description)
    better = publication.train_and_publish(registry, lambda: fewer, fetched)
    assert better.promoted
    assert better.reason.endswith(
        "the champion's metrics are optimistic: it was trained on 8 of the days that it was evaluated on"
    )


def test_a_champion_that_needs_a_removed_feature_is_an_error(
    registry: Registry, samples: Samples, few_rounds: None, fetched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publication.train_and_publish(registry, lambda: samples, fetched).card["version"]
    monkeypatch.setattr(features, "FEATURES", tuple(name for name in features.FEATURES if name != "origin_queue"))
    with pytest.raises(
        TerminalError, match=rf"champion {first} needs the features origin_queue, .*'skytier models promote 20"
    ):
        publication.train_and_publish(registry, lambda: samples, fetched)
    assert len(registry.versions()) == 2


def test_a_cached_training_is_not_repeated(
    registry: Registry,
    samples: Samples,
    few_rounds: None,
    fetched: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SKYTIER_SPARK_CACHE_FOLDER", str(tmp_path))

    def none_needed() -> Samples:
        raise AssertionError("features were computed")

    key = training_cache.key(training.MODULES, {"days": "70"})
    (training_cache.folder() / f"_{key}").mkdir(parents=True)
    (training_cache.folder() / f"_{key}" / "card.json").touch()  # of a training that was killed
    first = publication.train_and_publish(registry, lambda: samples, fetched, cache_key=key)
    again = publication.train_and_publish(registry, none_needed, fetched, cache_key=key)
    assert (again.card, again.promoted, again.reason) == (first.card, False, "it is already the champion")

    monkeypatch.setattr(stage_training, "POINT_ROUNDS", 2)
    other = publication.train_and_publish(registry, lambda: samples, fetched).card["version"]
    registry.promote(other, "by hand")
    registry.promote(first.card["version"], "by hand")
    registry.rollback("it errs")
    rolled_back = publication.train_and_publish(registry, none_needed, fetched, cache_key=key)
    assert (rolled_back.promoted, rolled_back.reason) == (False, "it was rolled back (it errs)")


def test_the_first_start_leaves_a_champion_and_trains_no_second(stack: OwnStack) -> None:
    champion = Registry(Files(), REGISTRY_ROOT).champion()
    assert champion is not None
    assert champion.reason == "there is no champion yet"
    done = stack.skytier("train", "--if-missing", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["version"], report["promoted"]) == (champion.version, False)
    assert report["metrics"].keys() == report["baselines"].keys() == {"before_departure", "after_departure"}
    shown = stack.skytier("train", "--if-missing").stdout
    assert f"{champion.version} is already the champion: nothing was trained." in shown
