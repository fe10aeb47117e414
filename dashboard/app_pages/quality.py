"""Data Quality & Metadata."""

import streamlit as st

from dashboard.charts import quality as charts
from dashboard.charts import quality_books as books
from dashboard.charts import quality_lineage as lineage
from dashboard.panels import NUMBERS_HEIGHT, panel, views
from dashboard.plain_text import plain_words
from dashboard.queries import quality as queries
from dashboard.queries import tiers
from dashboard.queries.tiers import Tier
from dashboard.text import quality as text
from skytier.errors import SkytierError


def choose_reason() -> None:
    """Those reasons that there are; without an answer any reason is the only choice."""
    try:
        found = tiers.answer(queries.rejections()).table["reason"].to_pylist()
    except SkytierError:
        found = []
    st.selectbox(
        text.REASON,
        found,
        index=None,
        placeholder=text.ANY_REASON,
        format_func=lambda code: plain_words(text.reason(code)),
        key="quality-reason",
        bind="query-params",
        persist_state="session",
    )


def choose_runs() -> tuple[int, bool]:
    """How many of the newest runs are shown, and whether on a logarithmic scale."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.segmented_control(
            text.NUMBER,
            text.NUMBERS,
            default=text.NUMBERS[0],
            required=True,
            key="quality-runs",
            bind="query-params",
            persist_state="session",
        )
        is_logarithmic = st.toggle(
            text.LOGARITHMIC,
            value=True,
            key="quality-log",
            help=text.LOGARITHMIC_HELP,
            bind="query-params",
            persist_state="session",
        )
    return number, is_logarithmic


def good() -> None:
    left, right = st.columns([2, 3])
    with left:
        panel(text.SCORES, lambda: queries.events(filters), charts.scores, tier=Tier.COLD, key="scores")
    with right:
        panel(text.FLAGGED, lambda: queries.events(filters), charts.flags, tier=Tier.COLD, key="flags")
    panel(text.MISSING, lambda: queries.events(filters), charts.missing, tier=Tier.COLD, key="missing")


def turned_away() -> None:
    panel(
        text.REASONS_TITLE,
        queries.rejections,
        books.reasons,
        tier=Tier.COLD,
        key="reasons",
        empty=text.NOTHING_REJECTED,
    )
    panel(
        text.SAMPLES,
        lambda: queries.samples(chosen["quality-reason"]),
        books.samples,
        tier=Tier.COLD,
        key="samples",
        controls=choose_reason,
        empty=text.NOTHING_REJECTED,
    )


def runs() -> None:
    number, is_logarithmic = choose_runs()
    panel(
        text.BATCHES,
        lambda: queries.batches(number),
        books.by_run,
        given=lambda: (is_logarithmic,),
        tier=Tier.METADATA,
        key="runs",
        empty=text.NO_BATCHES,
    )
    panel(
        text.BATCH_METADATA,
        lambda: queries.batches(number),
        books.books,
        tier=Tier.METADATA,
        key="books",
        empty=text.NO_BATCHES,
    )
    panel(text.STORES, queries.stores, books.freshness, tier=Tier.BOTH, key="freshness")
    panel(text.ARCHIVES, queries.archives, books.archives, tier=Tier.METADATA, key="archives", empty=text.NO_ARCHIVES)


def contract() -> None:
    panel(text.LINEAGE, queries.stores, lineage.lineage, tier=Tier.BOTH, key="lineage")
    panel(text.FIELDS, queries.contract, books.contract, tier=Tier.METADATA, key="contract")
    panel(text.VERSIONS, queries.versions, books.versions, tier=Tier.METADATA, key="versions")


chosen, filters = st.session_state, st.session_state["filters"]
st.caption(text.SCOPE)
left, right = st.columns([2, 3])
with left:
    panel(
        text.STORED, lambda: queries.events(filters), charts.stored, tier=Tier.COLD, key="stored", height=NUMBERS_HEIGHT
    )
with right:
    panel(
        text.RECORDS,
        queries.versions,
        charts.records,
        tier=Tier.METADATA,
        key="records",
        height=NUMBERS_HEIGHT,
        empty=text.NO_BATCHES,
    )
views("quality-view", {text.GOOD: good, text.TURNED_AWAY: turned_away, text.RUNS: runs, text.CONTRACT: contract})
