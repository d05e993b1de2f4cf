"""What all tests share: fresh caches, and what is told at the end, wherever the tests ran."""

from __future__ import annotations

import pytest
import structlog

from countermand.core import table


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    """No test may get its answer from what another one looked up."""
    for cached in (table.decide, table._matches, table._parse):
        cached.cache_clear()


@pytest.fixture(autouse=True)
def _log_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs within a test leaves the log where the tests after it look for it."""
    monkeypatch.setattr(structlog, "configure", lambda **_how: None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each `record_property("summary", ...)`; what a test prints is lost between processes."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "summary":
                    terminalreporter.write_line(str(value))
