"""The reference page, made from the code: tasks, journal events, commands, addresses.

`python -m countermand.reference > docs/reference.md` remakes it; a test holds it up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta

import click
from starlette.routing import BaseRoute, Route

from countermand.app import Installation
from countermand.cli import main as commands
from countermand.core.events import EVENT_MEANING, Event
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.web.server import create_app

_HEAD = """# Reference

<!-- Made from the code by `python -m countermand.reference`; a test holds it up to date. -->

What the journal, the worklist, the command line and the HTTP API can say and do, name by name.
"""
_TASKS = """## Tasks

A task is work that only a person can do. Most urgent first; within an urgency the oldest first. A task that
closes by *reading back* closes when both systems are seen to agree; one that closes by *word* needs a name
and what was done.
"""
_EVENTS = """## Journal events

Every entry says what happened, when (UTC), to what, why, and who did it (`countermand` when nobody did).
"""
_COMMANDS = """## Commands

`countermand COMMAND --help` says more and gives an example. Errors are one sentence and a non-zero exit. What
takes the number of an order takes `--connection NAME` too; it is needed where several shops have an order of
that number.
"""
_ROUTES = """## HTTP API

Answers are JSON; what cannot be done is one sentence under `error`, with a 4xx status. What changes
something takes a JSON object that says who you are: `{"by": "Priya Shah", "reason": "..."}`; where people
sign in, `by` is left out, and `/api/openapi.json` says which role each call needs. The commands that talk to
a running Countermand send the header that `COUNTERMAND_HEADER` holds, such as `X-Forwarded-User: priya`.

Every call below `/api/orders/{number}` takes `?connection=NAME`; it is needed where several shops have an
order of that number, and without it the answer is 409 with each of them, by connection and number, under
`orders`. Addresses of the console's own pages are left out here.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [
        _HEAD,
        _TASKS,
        _table(("task", "name", "urgency", "owner", "look within", "closes by", "why it matters"), _tasks()),
        _EVENTS,
        _table(("event", "what it means"), _events()),
        _COMMANDS,
        _table(("command", "what it does"), _commands(commands, "countermand")),
        _ROUTES,
        _table(
            ("method", "address", "what it does"),
            _routes(create_app(Installation(database="sqlite://")).routes),
        ),
    ]
    return "\n".join(parts)


def _tasks() -> Iterator[tuple[str, ...]]:
    for kind in sorted(TaskKind, key=lambda kind: TASK_TYPES[kind].urgency.rank):
        one = TASK_TYPES[kind]
        proof = {"read_back": "reading back", "word": "word"}[one.proof]
        urgency = one.urgency.value.replace("_", " ")
        yield f"`{kind.value}`", one.title, urgency, one.owner.value, _span(one.due_in), proof, one.cost


def _span(span: timedelta) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count, rest = divmod(int(span.total_seconds()), size)
        if count and not rest:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return str(span)


def _events() -> Iterator[tuple[str, ...]]:
    for event in Event:
        yield f"`{event.value}`", EVENT_MEANING[event]


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield f"`{path}`", command.get_short_help_str(limit=200)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None, f"{path} lists the command {name} and does not have it"
        yield from _commands(found, f"{path} {name}")


def _routes(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, ...]]:
    for route in routes:
        if isinstance(route, Route) and route.path.startswith(("/api/", "/hooks/", "/health")):
            methods = ", ".join(sorted((route.methods or set()) - {"HEAD"}))
            said = (route.endpoint.__doc__ or "").strip().partition("\n\n")[0]
            yield methods, f"`{route.path_format}`", " ".join(said.split())


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
