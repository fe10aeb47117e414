"""Which area is polled, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skytier.errors import TerminalError

_DAY_SECONDS = 86_400
# What one request costs up to so many square degrees; the whole world, as any larger area, costs one more.
_COSTS = ((25.0, 1), (100.0, 2), (400.0, 3))
_DEAREST = 4


@dataclass(frozen=True)
class Box:
    """An area between two parallels and two meridians, in degrees; across the date line if ``west`` > ``east``."""

    south: float
    west: float
    north: float
    east: float

    @property
    def square_degrees(self) -> float:
        """Its size; it must not cross the date line."""
        return (self.north - self.south) * (self.east - self.west)

    def parts(self) -> tuple[Box, ...]:
        """The boxes to ask for: the API knows none that crosses the date line."""
        if self.west <= self.east:
            return (self,)
        return Box(self.south, self.west, self.north, 180.0), Box(self.south, -180.0, self.north, self.east)

    def parameters(self) -> dict[str, str]:
        """How a request names it."""
        edges = {"lamin": self.south, "lomin": self.west, "lamax": self.north, "lomax": self.east}
        return {name: f"{degrees:g}" for name, degrees in edges.items()}


Areas = tuple[Box | None, ...]
"""what a poll asks for, a request each; None is the whole world"""


def areas(text: str) -> Areas:
    """The areas of a poll of SKYTIER_OPENSKY_BOX. Raises TerminalError where it names none."""
    if not text.strip():
        return (None,)
    wrong = TerminalError(
        f"SKYTIER_OPENSKY_BOX={text} is no area: give lamin,lomin,lamax,lomax in degrees, as in 45.8,5.9,47.9,10.5, "
        "with lamin below lamax."
    )
    try:
        edges = [float(edge) for edge in text.split(",")]
    except ValueError:
        raise wrong from None
    if len(edges) != 4 or not all(map(math.isfinite, edges)):
        raise wrong
    south, west, north, east = edges
    if not (-90 <= south < north <= 90 and -180 <= west <= 180 and -180 <= east <= 180 and west != east):
        raise wrong
    return Box(south, west, north, east).parts()


def credits_of(area: Box | None) -> int:
    """The credits that one request for an area costs."""
    if area is None:
        return _DEAREST
    return next((cost for limit, cost in _COSTS if area.square_degrees <= limit), _DEAREST)


def affordable_seconds(credits_per_poll: int, credits_a_day: int) -> float:
    """The interval between polls with which the credits of a day last for a day."""
    return _DAY_SECONDS * credits_per_poll / credits_a_day
