"""Which versions become the champion, and the reason that is given."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.card import CARD, Card
from models.delay.promotion_rule import Metrics, compare
from models.promotion import Decision, days_seen, promote_if_better
from models.registry import Champion, Registry
from tests.files_in_memory import FilesInMemory

pytestmark = pytest.mark.plain

NAN = float("nan")


def metrics(before: float, after: float, coverage_before: float = 0.9, coverage_after: float = 0.9) -> Metrics:
    return {
        "before_departure": {"mae": before, "coverage": coverage_before},
        "after_departure": {"mae": after, "coverage": coverage_after},
    }


CHAMPION = metrics(20.0, 10.0)


@pytest.fixture
def registry() -> Registry:
    """Two published versions, a and b, and no champion."""
    files = FilesInMemory()
    for version in "ab":
        card = {"version": version, "trained_at": "2026-11-21T13:05:00Z", "files": {"a.ubj": ""}, "metrics": CHAMPION}
        days = {part: ["2013-01-01", "2013-01-02"] for part in ("train", "tune", "test")}
        data = {"from": "2013-01-01", "to": "2013-01-02", "rows": 1, "source": "package"}
        files.documents[f"/models/test/{version}/{CARD}"] = card | {"data": data, "split": days}
    return Registry(files, "/models/test")


def never(_card: Card, _champion: Champion) -> Decision:
    raise AssertionError("the metrics were compared")


def test_the_first_version_is_promoted_without_comparison(registry: Registry) -> None:
    assert promote_if_better(registry, "a", never) == Decision(True, "there is no champion yet")
    champion = registry.champion()
    assert champion is not None
    assert (champion.version, champion.reason) == ("a", "there is no champion yet")


def test_a_later_version_is_promoted_if_the_comparison_says_so(registry: Registry) -> None:
    promote_if_better(registry, "a", never)
    seen: list[tuple[str, str]] = []

    def decided(promote: bool) -> Callable[[Card, Champion], Decision]:
        def compare_both(card: Card, champion: Champion) -> Decision:
            seen.append((card["version"], champion.version))
            return Decision(promote, "b was compared")

        return compare_both

    for promote, champion in ((False, "a"), (True, "b")):
        assert promote_if_better(registry, "b", decided(promote)) == Decision(promote, "b was compared")
        now = registry.champion()
        assert now is not None
        assert now.version == champion
    assert seen == [("b", "a")] * 2


def test_the_champion_and_what_was_rolled_back_are_not_promoted_again(registry: Registry) -> None:
    promote_if_better(registry, "a", never)
    assert promote_if_better(registry, "a", never) == Decision(False, "it is already the champion")
    registry.promote("b", "by hand")
    registry.rollback("it errs")
    assert promote_if_better(registry, "b", never) == Decision(False, "it was rolled back (it errs)")


@pytest.mark.parametrize(
    ("candidate", "promote"),
    [
        (metrics(19.9, 10.0), True),
        (metrics(20.0, 9.99), True),
        (metrics(20.0, 10.0), False),  # no better
        (metrics(19.0, 10.1), True),  # one stage 1 % worse, the other more than that better
        (metrics(19.0, 10.11), False),
        (metrics(20.2, 9.9), False),  # the mean is the same
        (metrics(20.2, 9.89), True),
        (metrics(19.0, 9.5, 0.85, 0.95), True),
        (metrics(19.0, 9.5, 0.849, 0.9), False),
        (metrics(19.0, 9.5, 0.9, 0.951), False),
        (metrics(NAN, 9.0), False),
        (metrics(19.0, 9.0, NAN), False),
        ({"after_departure": {"mae": 1.0, "coverage": 0.9}}, False),
    ],
)
def test_the_better_one_is_promoted(candidate: Metrics, promote: bool) -> None:
    assert compare(candidate, CHAMPION).promote is promote


def test_the_coverage_of_the_champion_does_not_count() -> None:
    assert compare(metrics(19.0, 9.5), metrics(20.0, 10.0, 0.5, 1.0)).promote


def test_the_reason_has_the_metrics_of_both() -> None:
    assert compare(metrics(19.004, 9.5, 0.9123), CHAMPION).reason == (
        "the mean ratio of its MAE to the champion's is 0.9501, below 1: "
        "before_departure MAE 19.00 min (champion 20.00), coverage 0.912 (0.900); "
        "after_departure MAE 9.50 min (champion 10.00), coverage 0.900 (0.900)"
    )


def test_the_reason_lists_every_objection() -> None:
    reason = compare(metrics(20.0, 11.0, 0.8), CHAMPION).reason
    assert reason.startswith(
        "the mean ratio of its MAE to the champion's is 1.0500, not below 1 "
        "and after_departure is 10.0 % worse, where 1 % is allowed "
        "and the intervals of before_departure cover 0.800, not 0.85 to 0.95: before_departure MAE 20.00 min"
    )


@pytest.mark.parametrize(
    ("tested", "seen"),
    [
        (("2013-11-01", "2013-12-31"), 0),
        (("2013-10-31", "2013-12-31"), 1),
        (("2013-09-21", "2013-10-10"), 20),  # in both parts
        (("2012-12-30", "2013-01-01"), 1),
        (("2012-01-01", "2012-12-31"), 0),
    ],
)
def test_days_that_the_champion_was_trained_on(tested: tuple[str, str], seen: int) -> None:
    champion = {
        "train": ["2013-01-01", "2013-09-30"],
        "tune": ["2013-10-01", "2013-10-31"],
        "test": ["2013-11-01", "2013-12-31"],
    }
    assert days_seen(champion, {"test": list(tested)}) == seen
