"""The delay model: features, training, evaluation, registry, scoring, drift."""

from __future__ import annotations

import os

# XGBoost's threads spin while they wait for each other: beside other work on the same cores, training takes nine times
# as long. The library reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
