"""Which candidates become the champion, and what is said about it."""

from __future__ import annotations

import pytest

from models.promotion import Decision, Metrics, days_seen, decide

pytestmark = pytest.mark.plain

NAN = float("nan")


def metrics(before: float, after: float, coverage_before: float = 0.9, coverage_after: float = 0.9) -> Metrics:
    return {
        "before_departure": {"mae": before, "coverage": coverage_before},
        "after_departure": {"mae": after, "coverage": coverage_after},
    }


CHAMPION = metrics(20.0, 10.0)


def test_the_first_is_promoted_whatever_it_can() -> None:
    assert decide(metrics(99, 99, 0.1, 0.1), None) == Decision(True, "there is no champion yet")


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
    assert decide(candidate, CHAMPION).promote is promote


def test_the_coverage_of_the_champion_does_not_count() -> None:
    assert decide(metrics(19.0, 9.5), metrics(20.0, 10.0, 0.5, 1.0)).promote


def test_the_reason_has_the_figures_of_both() -> None:
    assert decide(metrics(19.004, 9.5, 0.9123), CHAMPION).reason == (
        "the mean of its MAE by the champion's is 0.9501, below 1: "
        "before_departure MAE 19.00 min (champion 20.00), coverage 0.912 (0.900); "
        "after_departure MAE 9.50 min (champion 10.00), coverage 0.900 (0.900)"
    )


def test_every_objection_is_told() -> None:
    reason = decide(metrics(20.0, 11.0, 0.8), CHAMPION).reason
    assert reason.startswith(
        "the mean of its MAE by the champion's is 1.0500, not below 1 "
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
