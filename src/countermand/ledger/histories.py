"""Orders' histories out of storage, for asking what other rules would have done with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from countermand.bridge.case import Case
from countermand.core.replay import History, HistoryLine, Shown
from countermand.core.status import Side, parse_status
from countermand.ledger.schema import orders, sighting

_BATCH = 500


def histories(
    database: Connection, connection: str, live_since: datetime, offered: frozenset[str], since: datetime
) -> Iterator[History]:
    """The histories of a connection's orders that something was seen of since then, by order."""
    last = 0
    while rows := _batch(database, connection, since, last):
        shown = _sightings(database, [row.id for row in rows])
        for row in rows:
            yield _history(row.case_file, shown.get(row.id, ()), live_since, offered)
        last = rows[-1].id


def _batch(database: Connection, connection: str, since: datetime, last: int) -> Sequence[Any]:
    statement = (
        select(orders.c.id, orders.c.case_file)
        .where(orders.c.connection == connection, orders.c.id > last, orders.c.changed_at >= since)
        .order_by(orders.c.id)
        .limit(_BATCH)
    )
    return database.execute(statement).all()


def _sightings(database: Connection, ids: Sequence[int]) -> dict[int, list[Shown]]:
    statement = (
        select(sighting.c.order_id, sighting.c.began_at, sighting.c.side, sighting.c.ref, sighting.c.after)
        .where(sighting.c.order_id.in_(ids))
        .order_by(sighting.c.began_at, sighting.c.id)
    )
    found: dict[int, list[Shown]] = {}
    for order_id, at, side, ref, after in database.execute(statement):
        shown = Shown(at=at, side=Side(side), ref=ref, status=parse_status(after))
        found.setdefault(order_id, []).append(shown)
    return found


def _history(case: Case, shown: Sequence[Shown], live_since: datetime, offered: frozenset[str]) -> History:
    return History(
        order_id=case.order_id,
        lines=tuple(
            HistoryLine(line_id=line.line_id, kind=line.kind, jobs=tuple(link.ref for link in line.links))
            for line in case.lines
        ),
        shown=tuple(shown),
        job_kinds={item.ref: item.kind for item in case.items},
        customer=case.customer,
        value=_value(case.total),
        watched=case.placed_at is not None and case.placed_at >= live_since,
        offered=offered,
    )


def _value(total: str) -> float | None:
    try:
        return float(total)
    except ValueError:
        return None
