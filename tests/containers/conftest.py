"""One engine and one stack of containers for a module: the next one may be another stack on the same ports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.containers import images
from tests.containers.composed import Composed, composed
from tests.containers.engine import engine, why_not


@pytest.fixture(scope="module")
def containers(request: pytest.FixtureRequest) -> Iterator[Composed]:
    """The stack of the compose file, up. In the lane ``first`` with the model that the other lanes have trained."""
    if reason := why_not():
        pytest.fail(f"containers cannot run here: {reason}")
    with engine() as running:
        images.provide(running)
        with composed(running) as found:
            if request.config.getoption("markexpr") == "first":
                found.keep_trained()
            found.up()
            yield found
