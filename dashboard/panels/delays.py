"""When a flight counts as delayed, and the colours of delays."""

from __future__ import annotations

import pandas as pd
from plotly.colors import sample_colorscale

DELAYED_MINUTES = 15.0
"""A flight this late or later is delayed, by the definition of the US Department of Transportation"""
DELAY_SCALE = [[0.0, "#2166AC"], [0.2, "#92C5DE"], [0.4, "#FDDBC7"], [0.7, "#D6604D"], [1.0, "#8C1B2B"]]
"""Early is blue and late is red, a pair that is safe for colour-blind people."""


def delay_colour(delay: float, early: float, late: float) -> str:
    """The colour of a delay on ``DELAY_SCALE``."""
    place = 0.2 if pd.isna(delay) else min(1.0, max(0.0, (delay - early) / (late - early)))
    return str(sample_colorscale(DELAY_SCALE, [place])[0])
