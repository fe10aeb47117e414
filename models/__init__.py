"""Models: registry, cards and promotion of their versions, and a package for each model (``models.delay``)."""

from __future__ import annotations

import os

# XGBoost's threads spin while they wait for each other. With other work on the same cores, training then takes nine
# times as long. The library reads the variable when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
