"""Nothing that a person can meet may be undocumented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from starlette.routing import Route

from countermand import reference
from countermand.app import Installation
from countermand.cli import main
from countermand.core.events import EVENT_MEANING, Event
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.web.server import create_app

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference.md").read_text("utf-8")


def commands(command: click.Command, path: str = "countermand") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, f"{path} {name}")
    else:
        yield path, command


def routes() -> list[Route]:
    app = create_app(Installation(database="sqlite://"))
    return [
        route
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(("/api/", "/hooks/"))
    ]


@pytest.mark.parametrize("kind", TaskKind)
def test_every_kind_of_task_is_documented(kind: TaskKind) -> None:
    assert f"| `{kind.value}` | {TASK_TYPES[kind].title} |" in PAGE


@pytest.mark.parametrize("event", Event)
def test_every_journal_event_is_documented(event: Event) -> None:
    assert f"| `{event.value}` | {EVENT_MEANING[event]} |" in PAGE


def test_every_command_is_documented_and_has_help_with_an_example() -> None:
    for path, command in commands(main):
        assert f"| `{path}` |" in PAGE, path
        assert "Example" in (command.help or ""), f"{path} --help gives no example"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                explained = parameter.help or isinstance(parameter.type, click.Choice)
                assert explained, f"{path} {parameter.opts[0]} has no help"


def test_every_address_of_the_api_is_documented_in_a_sentence() -> None:
    for route in routes():
        assert f"| `{route.path_format}` |" in PAGE, route.path
        assert (route.endpoint.__doc__ or "").strip(), f"{route.path} has no description"


def test_the_page_is_up_to_date() -> None:
    assert reference.page() == PAGE, (
        "docs/reference.md is behind: python -m countermand.reference > docs/reference.md"
    )


def test_the_documentation_leads_to_the_page() -> None:
    assert "reference.md" in (DOCS / "README.md").read_text("utf-8")
