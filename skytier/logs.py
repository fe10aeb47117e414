"""Structured logs: readable lines on a terminal, one JSON object a line elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

import structlog

from skytier import terminal

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


def configure(as_json: bool | None = None) -> None:
    """Send structured events to standard error: as JSON lines or as text; by default as text on a terminal only.

    Times are UTC.
    """
    is_terminal = sys.stderr.isatty()
    is_text = is_terminal if as_json is None else not as_json
    renderers: list[structlog.typing.Processor] = (
        [_visible, structlog.dev.ConsoleRenderer(colors=is_terminal)]
        if is_text
        else [structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *renderers,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _visible(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Data in an event must not be obeyed by a terminal."""
    return {name: terminal.visible(value) if isinstance(value, str) else value for name, value in event.items()}


def logger(name: str) -> FilteringBoundLogger:
    """A logger whose events carry the name of their part."""
    return cast("FilteringBoundLogger", structlog.get_logger(part=name))
