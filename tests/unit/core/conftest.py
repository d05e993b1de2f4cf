"""What all tests of the core share: fresh caches, and a summary of how much of the space was covered."""

from __future__ import annotations

import pytest

from countermand.core import table


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    """No test may get its answer from what another one looked up."""
    for cached in (table.decide, table._matches, table._parse):
        cached.cache_clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Works with several processes too, where what a test prints is lost."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "combinations":
                terminalreporter.write_line(f"core: {value}")
