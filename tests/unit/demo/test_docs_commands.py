"""Every command is in the README, and every command's help has an example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from countermand.cli import COMMANDS, main

README = Path(__file__).parents[3] / "README.md"


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def test_every_command_is_in_the_readme() -> None:
    table = README.read_text(encoding="utf-8").split("## What you can do")[1].split("\n## ")[0]
    named = set(re.findall(r"`(?:countermand )?([a-z]+)[^`]*`", table))
    assert set(COMMANDS) <= named, "put each command into the table of README.md"


@pytest.mark.parametrize(
    ("name", "command"), list(_commands(main)), ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_command_has_an_example(name: str, command: click.Command) -> None:
    assert re.search(rf"Examples?:\s+countermand {name.split()[0]}\b", command.help or ""), (
        f"{name}: no example"
    )
