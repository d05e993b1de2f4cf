"""What other rules would have done: what both systems really showed, judged again by rules one picks here.

Nothing is written anywhere, and what people decided is left out: it is what the rules would do by themselves.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from countermand.app import Running, utc_now
from countermand.core.policy import Direction, Mode, Policy
from countermand.core.replay import Answer, answers
from countermand.core.tasks import TaskKind
from countermand.ledger.histories import histories
from countermand.web import words
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.problem import Problem
from countermand.web.tables import Flat, query, rows_response, wanted_format
from countermand.web.words import Names

DAYS = (7, 30, 90)
#: Orders on the page; the files hold them all.
MOST_SHOWN = 100
#: A page is waited for by somebody: what was played until then is said, and that it was not all.
MOST_SECONDS = 10.0


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would have gone another way, in plain words."""

    connection: str
    order: str
    now: str
    then: str


class Played(msgspec.Struct, kw_only=True):
    """What came of it. `whole`: every order of that time was played."""

    looked_at: int = 0
    whole: bool = True
    changed: list[Changed] = []

    @property
    def kinds(self) -> list[tuple[str, str, int]]:
        """(now, then, orders), the most frequent first."""
        counts = Counter((one.now, one.then) for one in self.changed)
        return [(*kind, number) for kind, number in counts.most_common()]


def what_if(request: Request) -> Response:
    """The question as a form; with rules picked in the address, the answer below it."""
    service, asked = service_of(request), request.query_params
    running = list(service.running.values())
    wanted, days = _wanted(asked), _days(asked.get("days", "30"))
    with service.engine.begin() as database:
        played = _play(database, running, wanted, days) if wanted else None
        if wanted_format(request) != "html":
            rows: list[Flat] = [msgspec.structs.asdict(one) for one in played.changed] if played else []
            return rows_response(request, "other-rules", rows, "")
        return show(
            request,
            "what_if.html",
            database,
            ways=[(way, _now(running, way), wanted.get(way)) for way in Direction],
            all_modes=[(mode, *words.MODES[mode]) for mode in Mode],
            days=days,
            all_days=DAYS,
            played=played,
            most_shown=MOST_SHOWN,
            names=names_of(running[0] if running else None),
            with_query=lambda **changes: query(request, **changes),
        )


def _wanted(asked: Mapping[str, str]) -> dict[Direction, Mode]:
    """The modes that were picked."""
    picked = {way: asked.get(way.value, "") for way in Direction}
    try:
        return {way: Mode(text) for way, text in picked.items() if text}
    except ValueError:
        raise Problem(400, "There is no such way of acting.") from None


def _days(text: str) -> int:
    if text not in {str(days) for days in DAYS}:
        raise Problem(400, f"`days` is one of {', '.join(map(str, DAYS))}, not “{text[:20]}”.")
    return int(text)


def _now(running: list[Running], way: Direction) -> str:
    """How it acts today, where every connection acts alike."""
    modes = {one.settings.policy.mode(way) for one in running}
    return words.MODES[modes.pop()][0] if len(modes) == 1 else ""


def _play(database: Connection, running: list[Running], wanted: dict[Direction, Mode], days: int) -> Played:
    found, ends = Played(changed=[]), time.monotonic() + MOST_SECONDS
    since = utc_now() - timedelta(days=days)
    for one in running:
        connection, names = one.bridge.connection, names_of(one)
        now, overrides = one.settings.policy, one.settings.overrides
        then = _with(now, wanted)
        for history in histories(database, connection.name, connection.live_since, connection.offered, since):
            if time.monotonic() > ends:
                found.whole = False
                return found
            found.looked_at += 1
            before, after = answers(history, now, overrides), answers(history, then, overrides)
            if _what(before) != _what(after):
                changed = Changed(
                    connection=connection.name,
                    order=history.order_id,
                    now=said(before, names),
                    then=said(after, names),
                )
                found.changed.append(changed)
    return found


def _with(policy: Policy, wanted: Mapping[Direction, Mode]) -> Policy:
    return msgspec.structs.replace(policy, **{way.value: mode for way, mode in wanted.items()})


def _what(found: tuple[Answer, ...]) -> list[tuple[Direction, str, str]]:
    return [(one.direction, one.what, one.because) for one in found]


def said(found: tuple[Answer, ...], names: Names) -> str:
    """What the rules answer to an order, in a few words."""
    return "; ".join(dict.fromkeys(_said(one, names) for one in found)) or "Nothing to do"


def _said(one: Answer, names: Names) -> str:
    side = names.side(one.direction.target.value)
    change = "Shipped" if one.direction is Direction.SHIP_TO_STOREFRONT else "Cancelled"
    if one.what == "written":
        return f"{change} in {side} by itself"
    if one.because == f"mode-{Mode.OBSERVE.value}":
        return f"{change} in {side}: only noted"
    kind = one.what.removeprefix("asked: ")
    title = names.task(TaskKind(kind)) if kind in list(TaskKind) else kind
    return f"A person: {title}" + (", with a button" if one.because == f"mode-{Mode.ASSISTED.value}" else "")
