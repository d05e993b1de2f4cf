"""Whatever a person can mend is one sentence; and help says whole sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from countermand.cli import main
from countermand.cli.errors import plain_errors
from countermand.config.sample import sample


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("countermand.toml").write_text(sample(), encoding="utf-8")
    Path("anchor.key").write_bytes(b"a key of the shop")
    said(0, "db", "upgrade")


def said(exit_code: int, *arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == exit_code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.output


def test_a_file_that_cannot_be_written_is_said_in_a_sentence() -> None:
    out = said(1, "journal", "anchor", "--key-file", "anchor.key", "--out", "nowhere/anchors.jsonl")
    assert out == "Error: nowhere/anchors.jsonl cannot be read or written: No such file or directory.\n"


def test_what_is_no_file_of_theirs_stays_an_error_with_its_stack() -> None:
    @plain_errors
    def broken() -> None:
        raise TimeoutError("of the program")

    with pytest.raises(TimeoutError):
        broken()


def test_a_journal_without_chains_says_so() -> None:
    assert "There is no chain main; none has been started yet." in said(
        1, "journal", "export", "--chain", "main"
    )


def test_no_connection_is_counted_as_people_count() -> None:
    Path("empty.toml").write_text("[connections]\n", encoding="utf-8")
    assert "0 connections, 0 storefronts, 0 MIS." in said(0, "check", "--config", "empty.toml")


def groups(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        yield path
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from groups(found, (*path, name))


@pytest.mark.parametrize("group", list(groups(main, ())), ids=" ".join)
def test_help_cuts_no_sentence(group: tuple[str, ...]) -> None:
    help_text = said(0, *group, "--help")
    listed = help_text.partition("Commands:\n")[2]
    assert listed
    assert "..." not in listed


def test_a_sweep_that_nobody_waits_for_does_not_end_as_if_something_differed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("countermand.cli.sweep.post", interrupted)
    assert "goes on by itself" in said(2, "sweep")
