"""Data Quality & Metadata."""

import streamlit as st

from dashboard.app_pages.quality import (
    contract_charts,
    lineage_charts,
    queries,
    reconciliation_charts,
    rejection_charts,
    score_charts,
    store_charts,
    text,
)
from dashboard.panels import rejections, tiers
from dashboard.panels.drawings import NUMBERS_HEIGHT
from dashboard.panels.panel import panel
from dashboard.panels.tiers import Tier
from dashboard.panels.views import views
from dashboard.plain_text import plain_words
from skytier.errors import SkytierError


def choose_reason() -> None:
    """A choice of the reasons that occur; only 'any reason' where the query fails."""
    try:
        found = tiers.fetch(rejections.rejections()).table["reason"].to_pylist()
    except SkytierError:
        found = []
    st.selectbox(
        text.REASON,
        found,
        index=None,
        placeholder=text.ANY_REASON,
        format_func=lambda code: plain_words(rejections.reason(code)),
        key="quality-reason",
        bind="query-params",
        persist_state="session",
    )


def choose_batches() -> tuple[int, bool]:
    """How many of the newest batches are shown, and whether on a logarithmic scale."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.segmented_control(
            text.NUMBER,
            text.NUMBERS,
            default=text.NUMBERS[0],
            required=True,
            key="quality-batches",
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


def quality() -> None:
    left, right = st.columns([2, 3])
    with left:
        panel(text.SCORES, lambda: queries.events(filters), score_charts.scores, tier=Tier.COLD, key="scores")
    with right:
        panel(text.FLAGGED, lambda: queries.events(filters), score_charts.flags, tier=Tier.COLD, key="flags")
    panel(text.MISSING, lambda: queries.events(filters), score_charts.missing, tier=Tier.COLD, key="missing")


def rejected() -> None:
    panel(
        text.REASONS_TITLE,
        rejections.rejections,
        rejection_charts.reasons,
        tier=Tier.COLD,
        key="reasons",
        empty=text.NOTHING_REJECTED,
    )
    panel(
        text.SAMPLES,
        lambda: queries.samples(chosen["quality-reason"]),
        rejection_charts.samples,
        tier=Tier.COLD,
        key="samples",
        controls=choose_reason,
        empty=text.NOTHING_REJECTED,
    )


def batches_and_stores() -> None:
    number, is_logarithmic = choose_batches()
    panel(
        text.BATCHES,
        lambda: queries.batches(number),
        reconciliation_charts.by_batch,
        inputs=lambda: (is_logarithmic,),
        tier=Tier.METADATA,
        key="batches",
        empty=text.NO_BATCHES,
    )
    panel(
        text.BATCH_METADATA,
        lambda: queries.batches(number),
        reconciliation_charts.batch_metadata,
        tier=Tier.METADATA,
        key="batch-metadata",
        empty=text.NO_BATCHES,
    )
    panel(text.STORES, queries.stores, store_charts.freshness, tier=Tier.BOTH, key="freshness")
    panel(
        text.ARCHIVES,
        queries.archives,
        store_charts.archives,
        tier=Tier.METADATA,
        key="archives",
        empty=text.NO_ARCHIVES,
    )


def contract() -> None:
    panel(text.LINEAGE, queries.stores, lineage_charts.lineage, tier=Tier.BOTH, key="lineage")
    panel(text.FIELDS, queries.contract, contract_charts.contract, tier=Tier.METADATA, key="contract")
    panel(text.VERSIONS, queries.versions, contract_charts.versions, tier=Tier.METADATA, key="versions")


chosen, filters = st.session_state, st.session_state["filters"]
st.caption(text.SCOPE)
left, right = st.columns([2, 3])
with left:
    panel(
        text.STORED,
        lambda: queries.events(filters),
        score_charts.stored,
        tier=Tier.COLD,
        key="stored",
        height=NUMBERS_HEIGHT,
    )
with right:
    panel(
        text.RECORDS,
        queries.versions,
        score_charts.records,
        tier=Tier.METADATA,
        key="records",
        height=NUMBERS_HEIGHT,
        empty=text.NO_BATCHES,
    )
views(
    "quality-view",
    {
        text.QUALITY: quality,
        text.REJECTIONS: rejected,
        text.BATCHES_AND_STORES: batches_and_stores,
        text.CONTRACT: contract,
    },
)
