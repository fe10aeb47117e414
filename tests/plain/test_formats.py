"""One rule each for sizes, delays and signed zeros."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import dashboard
from dashboard.app_pages.history.comparison_charts import _row
from dashboard.app_pages.history.measures import MEASURES
from dashboard.app_pages.predictions.accuracy_charts import written
from dashboard.app_pages.streaming import text as streaming
from dashboard.app_pages.streaming.interval_charts import _format
from dashboard.panels import formats, text

pytestmark = pytest.mark.plain

SIZES = {0.02: "20 kB", 0.9994: "999 kB", 1: "1.0 MB", 300: "300.0 MB", 999.9: "999.9 MB", 1_500: "1.5 GB"}


@pytest.mark.parametrize("megabytes", SIZES)
def test_sizes(megabytes: float) -> None:
    assert formats.size(megabytes) == SIZES[megabytes]


PERCENT = {0.0: "0%", 1e-12: "0%", 0.04: "<0.1%", 0.06: "0.1%", 12.34: "12.3%", 99.94: "99.9%", 99.96: ">99.9%"}
PERCENT |= {100 * (0.1 + 0.2 + 0.7): "100%", 104.2: "104.2%", 2_345.67: "2,345.7%", float("nan"): text.NO_VALUE}


@pytest.mark.parametrize("percent", PERCENT)
def test_one_rule_for_every_percentage(percent: float) -> None:
    shown = PERCENT[percent]
    assert formats.percent(percent) == formats.share(percent / 100) == shown
    if percent == percent:
        said = (MEASURES["Delayed share"].said, streaming.RANK_VALUES["delayed"], streaming.METRICS["delayed"].value)
        assert {say(percent) for say in said} == {written(percent, "accurate_pct")} == {shown}


def test_numbers_in_tables_have_the_decimals_of_their_kind() -> None:
    rows = pd.DataFrame({"quality_score": [0.95], "mean_quality": [0.9511], "share_pct": [12.0], "size_mb": [0.012]})
    config = {name: column["type_config"]["format"] for name, column in formats.grid(rows).items()}
    assert config == {"quality_score": "%.2f", "mean_quality": "%.4f", "share_pct": "%.1f", "size_mb": "%.3f"}


SIGNED = {0.04: "0.0 min", -0.04: "0.0 min", 0.06: "+0.1 min", -10.0: "-10.0 min", 100.0: "+100.0 min"}


@pytest.mark.parametrize("minutes", SIGNED)
def test_zero_has_no_sign(minutes: float) -> None:
    assert formats.minutes(minutes) == SIGNED[minutes]
    assert _format("arrival_delay", minutes) == SIGNED[minutes]
    assert {measure.gap(minutes / 1e6).partition(" ")[0] for measure in MEASURES.values()} <= {"0", "0.0"}


def test_every_metric_has_a_format() -> None:
    assert all(_format(metric, 0.0)[0] == "0" for metric in streaming.METRICS)


def test_a_difference_is_of_the_shown_values() -> None:
    measure = MEASURES["Delayed share"]
    shown = _row("share", [12.349, 12.251], measure.said, measure.gap, decimals=measure.decimals)
    assert (shown["side_a"], shown["side_b"], shown["difference"]) == ("12.3%", "12.3%", "0.0 points")


def test_focus_is_seen_and_narrow_pages_are_not_cut() -> None:
    static = Path(dashboard.__file__).with_name("static")
    style = (static / "page.css").read_text(encoding="utf-8")
    assert ":focus-visible" in style
    assert "@media (max-width: 1000px)" in style
