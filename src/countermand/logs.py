"""Logs: an event name and key-values, one line each, and never the locals of a failing frame (secrets)."""

from __future__ import annotations

import sys

import structlog


def configure_logs(level: str = "info") -> None:
    """Log to standard error, from `level` on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(
                key_order=("timestamp", "level", "event"), drop_missing=True, bool_as_flag=False
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
