"""Data Quality & Metadata: the event contract and its versions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.panels import formats
from dashboard.panels.drawings import Grid
from dashboard.panels.text import column

_FINGERPRINT_CHARACTERS = 12


def contract(fields: pd.DataFrame) -> Grid:
    """The fields of an event as it is published."""
    config = {
        "meaning": st.column_config.TextColumn(column("meaning"), width="large"),
        "required": st.column_config.CheckboxColumn(column("required")),
    }
    return Grid(fields, config)


def versions(found: pd.DataFrame) -> Grid:
    """The registered versions of the contract, with the row counts of each."""
    rows = found.assign(fingerprint=found["fingerprint"].str[:_FINGERPRINT_CHARACTERS])
    numbers = ("batches", "consumed", "stored", "duplicates", "rejected")
    config = {name: st.column_config.NumberColumn(column(name), format="localized") for name in numbers}
    return Grid(rows, formats.grid(rows) | config)
