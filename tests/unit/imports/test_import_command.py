"""`countermand import` with what people type by mistake: one sentence, and no service is asked."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from countermand.cli import main


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--since", ""], "--since names no date"),
        (["--url", "http://127.0.0.1:9", "review"], "--url does not count for `review` there"),
        (["--connection", "other", "review", "--leave", "--all"], "--connection does not count for `review`"),
    ],
)
def test_a_mistake_is_said(arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faulthandler.enable", lambda *_, **__: None)
    result = CliRunner().invoke(main, ["import", *arguments])
    assert result.exit_code == 2
    assert says in result.output
