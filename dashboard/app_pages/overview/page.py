"""Real-Time Overview."""

import streamlit as st

from dashboard.app_pages.overview import charts, queries, text
from dashboard.panels.drawings import NUMBERS_HEIGHT
from dashboard.panels.hot_tier_size import hot_size
from dashboard.panels.panel import panel
from dashboard.panels.tiers import Tier

filters = st.session_state["filters"]
left, middle, right = st.columns([5, 3, 5])
with left:
    panel(
        text.AIR,
        lambda: queries.in_the_air(filters),
        charts.in_the_air,
        tier=Tier.HOT,
        key="air",
        height=NUMBERS_HEIGHT,
    )
with middle:
    panel(text.INCOMING, queries.incoming, charts.incoming, tier=Tier.SERVERS, key="incoming", height=NUMBERS_HEIGHT)
with right:
    panel(
        text.STORED,
        queries.batches,
        charts.batches,
        tier=Tier.METADATA,
        key="stored",
        height=NUMBERS_HEIGHT,
        empty=text.NO_BATCHES,
    )

left, right = st.columns([3, 2])
with left:
    panel(
        text.ROUTES,
        lambda: queries.in_the_air(filters),
        charts.routes,
        inputs=lambda: (queries.idle(),),
        tier=Tier.HOT,
        key="routes",
    )
with right:
    panel(text.HOT, hot_size, charts.hot_size, tier=Tier.HOT, key="hot", height=NUMBERS_HEIGHT)
    panel(text.INGESTION, queries.batches, charts.ingestion, tier=Tier.METADATA, key="ingestion", empty=text.NO_BATCHES)
panel(text.LATEST, lambda: queries.latest(filters), charts.latest, tier=Tier.HOT, key="latest")
