"""The bar on every page: product, warehouse clock, age of the newest data, health. Its ticks keep the page current."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from dashboard.app_pages.operations import health_queries
from dashboard.app_pages.operations import text as operations
from dashboard.panels import live, text, tiers
from dashboard.panels.rendering import age_html
from dashboard.panels.warehouse_now import is_replay, warehouse_now
from skytier.cache import CachedResult, Query

_HEALTH_SECONDS = 30.0
_MAX_DATA_SECONDS = 180.0
"""The age of the newest data from which it is marked: the minute job commits every minute"""
_MARK = '<img src="app/static/icon.svg" alt="">'


def status_bar(*, is_paused: bool) -> None:
    """Show the bar. Unless refresh is paused, its ticks have the page drawn again when newer results are there."""
    runs = itertools.count()

    @st.fragment(run_every=None if is_paused else live.TICK_SECONDS)
    def bar() -> None:
        cache, is_first = tiers.cache(), next(runs) == 0
        if not is_first and live.of_page().tick(cache, time.monotonic()):
            st.rerun()
        st.html(bar_html(cache.peek(warehouse_now()), cache.peek(_health()), datetime.now(UTC), is_paused=is_paused))

    bar()


def _health() -> Query:
    """The health score, the same result as on Operations & Monitoring, measured less often for all other pages."""
    return replace(health_queries.score(), ttl_seconds=_HEALTH_SECONDS)


def bar_html(warehouse: CachedResult | None, health: CachedResult | None, now: datetime, *, is_paused: bool) -> str:
    """The bar; values that are not known yet say so."""
    parts = [f'<span class="skytier-brand">{_MARK}{text.PRODUCT}</span>', *_data(warehouse, now), _score(health)]
    if is_paused:
        parts.append(f'<span class="skytier-state skytier-warning">{text.BAR_PAUSED}</span>')
    return f'<div class="skytier-bar" role="status">{"".join(parts)}</div>'


def _data(warehouse: CachedResult | None, now: datetime) -> list[str]:
    row = warehouse.table.to_pylist()[0] if warehouse else {}
    clock, ingested = row.get("clock"), row.get("ingested")
    if clock is None or ingested is None:
        return [f"<span>{text.BAR_NO_DATA if warehouse else text.BAR_LOADING}</span>"]
    kind = text.BAR_REPLAY if is_replay(clock, now) else text.BAR_LIVE
    return [
        f'<span title="{text.BAR_CLOCK_HELP}"><b>{kind}</b> {clock:%Y-%m-%d %H:%M} UTC</span>',
        f"<span>{text.BAR_NEWEST} {age_html(ingested, now, _MAX_DATA_SECONDS)}</span>",
    ]


def _score(health: CachedResult | None) -> str:
    if health is None:
        return f'<span class="skytier-state skytier-unknown">{text.BAR_HEALTH_UNKNOWN}</span>'
    frame: pd.DataFrame = health.table.to_pandas()
    total = frame["points"].sum()
    word = next(word for least, word in operations.SCORE_NOTES if total >= least)
    state = text.BAR_HEALTH.format(word=word.capitalize(), score=f"{total:.0f}")
    return f'<span class="skytier-state skytier-{operations.SCORE_STATES[word]}">{state}</span>'
