"""Prints how much of the space the exhaustive tests covered, also when the tests run in several processes."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "combinations":
                terminalreporter.write_line(f"core: {value}")
