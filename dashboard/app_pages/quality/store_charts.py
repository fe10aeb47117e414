"""Data Quality & Metadata: the freshness of every store, and the archives."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard.app_pages.quality import lineage_text, text
from dashboard.panels import formats
from dashboard.panels.drawings import Grid
from dashboard.panels.text import NO_VALUE, column

_CHECKSUM_CHARACTERS = 12


def archives(found: pd.DataFrame) -> Grid:
    """The archives, with the state of each and the rows that queries read from it."""
    rows = found.assign(
        state=found["state"].map(lambda state: text.STATES.get(state, state)),
        visible=found["visible"].map(lambda state: text.VISIBLE.get(state, state)),
        checksum=found["checksum"].str[:_CHECKSUM_CHARACTERS],
    )
    config = {"record_count": st.column_config.NumberColumn(column("record_count"), format="localized")}
    return Grid(rows, formats.grid(rows) | config, states=("state",))


def freshness(stores: pd.DataFrame) -> Grid:
    """Every store, in the order of ``text.STORE_KINDS``."""
    known = stores.set_index("store").reindex([*text.STORE_KINDS, *_unknown(stores)])
    kinds = [text.STORE_KINDS.get(name, text.Store(name, NO_VALUE, NO_VALUE)) for name in known.index]
    rows = pd.DataFrame(
        {
            "store": [kind.name for kind in kinds],
            "kind": [kind.kind for kind in kinds],
            "newest": known["newest"].to_list(),
            "age": [age(minutes) for minutes in known["age_minutes"].astype(float)],
            "records": known["records"].astype("Int64").to_list(),
            "size_mb": known["size_mb"].to_list(),
            "written": [kind.written for kind in kinds],
        }
    )
    config = formats.grid(rows) | {
        "records": st.column_config.NumberColumn(column("records"), format="localized"),
    }
    file = rows.drop(columns="age").assign(age_minutes=known["age_minutes"].to_list())
    return Grid(rows, config, is_full_height=True, file=file)


def _unknown(stores: pd.DataFrame) -> list[str]:
    """Tables without an entry in ``text.STORE_KINDS``; nodes of the lineage alone are not stores."""
    return [name for name in stores["store"] if name not in {*text.STORE_KINDS, *lineage_text.NODES}]


def age(minutes: float) -> str:
    """The age of the newest row of a store."""
    return text.NEVER if math.isnan(minutes) else formats.age(minutes * 60)
