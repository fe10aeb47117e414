"""The reference of a version's drift: the distribution of its features and errors, written once in training."""

from __future__ import annotations

from typing import Any

import pandas as pd

from models.delay import features
from models.delay.delay_model import DelayModel
from models.delay.samples import Samples
from models.stability_index import bins_of, largest_of_a_day

REFERENCE = "reference.json"
"""The file of a version that holds the reference of each stage."""

LARGEST_OF_A_DAY, ERRORS = "largest_of_a_day", "error_minutes"
"""Keys of the reference: the largest index of a single training day, by feature; the errors, beside the features."""


def feature_bins(frame: pd.DataFrame) -> dict[str, Any]:
    """The bins of each feature over training flights, and the share of flights in each bin."""
    return {name: bins_of(frame[name], is_category=name in features.CATEGORIES) for name in features.FEATURES}


def reference(model: DelayModel, samples: Samples, stage: str) -> dict[str, Any]:
    """The reference of a stage: the features of the training days, the errors on the test days."""
    train_rows, test_rows = samples.of(stage, "train"), samples.of(stage, "test")
    found = feature_bins(train_rows)
    for name, bins in found.items():
        bins[LARGEST_OF_A_DAY] = largest_of_a_day(train_rows[name], train_rows["day"], bins)
    predicted = model.predict(test_rows, test_rows["stage"])["predicted_delay_minutes"]
    return found | {ERRORS: bins_of(test_rows["actual"] - predicted)}
