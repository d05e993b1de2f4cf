"""The journal: what happened, filtered; the check of its chain; and the whole of it to take along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from countermand.app import Service, utc_now
from countermand.core.events import EVENT_MEANING, Event
from countermand.ledger import journal, records
from countermand.web import words
from countermand.web.clock import zone_of
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.person import read_form
from countermand.web.problem import Problem
from countermand.web.tables import Flat, as_csv, limit_of, next_page, query, rows_response, wanted_format
from countermand.web.timeline import moment

_BODY = msgspec.json.Decoder(journal.Body)
_MOST_FAULTS = 50
_PIECE = 1000
#: Days beyond these are as good as these, and have no end of the calendar near them.
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The last check of all chains: when, over how many entries, and what was found wrong."""

    at: datetime
    seconds: float
    entries: int
    faults: tuple[journal.Fault, ...]


def journal_list(request: Request) -> Response:
    """Entries, newest first; `all=1` with CSV or JSON gives everything that the filter chooses."""
    service, wanted = service_of(request), _filter(request)
    if wanted_format(request) != "html" and request.query_params.get("all"):
        return _everything(service, wanted, wanted_format(request))
    limit = limit_of(request)
    with service.engine.begin() as database:
        rows = records.list_journal(
            database, wanted, limit=limit, after=request.query_params.get("after", "")
        )
        following = next_page(request, limit, [row.key for row in rows])
        if wanted_format(request) != "html":
            return rows_response(request, "journal", [flat(row) for row in rows], following)
        return show(
            request,
            "journal.html",
            database,
            entries=[(row, moment(row, names_of(service.running.get(row.chain)), {})) for row in rows],
            next=following,
            asked=dict(request.query_params),
            events=[(event.value, words.event(event), EVENT_MEANING.get(event, "")) for event in Event],
            chains=journal.chains(database),
            ends=records.journal_ends(database),
            checked=request.app.state.checked,
            checking=request.app.state.checking,
            with_query=lambda **changes: query(request, after=None, **changes),
        )


def _filter(request: Request) -> records.JournalFilter:
    asked = request.query_params
    event = asked.get("event", "")
    if event and event not in list(Event):
        raise Problem(400, f"There is no journal event “{event[:40]}”.")
    number = asked.get("about", "").strip()[:100]
    subject = number if "/" in number or not number else f"order/{number}"
    return records.JournalFilter(
        chain=asked.get("chain", ""),
        events=(event,) if event else (),
        actor=asked.get("who", "").strip(),
        subject=subject,
        since=_day(request, "from"),
        until=_day(request, "to", timedelta(days=1)),
    )


def _day(request: Request, name: str, plus: timedelta = timedelta(0)) -> datetime | None:
    text = request.query_params.get(name, "").strip()
    if not text:
        return None
    try:
        on = date.fromisoformat(text)
    except ValueError:
        raise Problem(400, f"`{name}` is a day such as 2026-11-23, not “{text[:20]}”.") from None
    on = min(max(on, _FIRST_DAY), _LAST_DAY)
    return datetime.combine(on, time(0), zone_of(request)).astimezone(UTC) + plus


def flat(row: records.JournalRow) -> Flat:
    """An entry with everything that its hash covers."""
    body = _BODY.decode(row.body)
    return {
        "chain": row.chain,
        "seq": row.seq,
        "at": row.at,
        "event": row.event,
        "who": row.actor,
        "about": row.subject,
        "why": body.why,
        "before": body.before,
        "after": body.after,
        "extra": msgspec.json.encode(body.extra).decode() if body.extra else "",
        "hash": row.hash,
    }


def _everything(service: Service, wanted: records.JournalFilter, format: str) -> Response:
    pieces = _csv_pieces(service, wanted) if format == "csv" else _json_pieces(service, wanted)
    media = "text/csv; charset=utf-8" if format == "csv" else "application/json"
    name = f'attachment; filename="journal.{format}"'
    return StreamingResponse(pieces, media_type=media, headers={"content-disposition": name})


def _pages(service: Service, wanted: records.JournalFilter) -> Iterator[list[Flat]]:
    after = ""
    while True:
        with service.engine.begin() as database:
            rows = records.list_journal(database, wanted, limit=_PIECE, after=after)
        if rows:
            yield [flat(row) for row in rows]
        if len(rows) < _PIECE:
            return
        after = rows[-1].key


def _csv_pieces(service: Service, wanted: records.JournalFilter) -> Iterator[str]:
    first = True
    for rows in _pages(service, wanted):
        text = as_csv(rows)
        yield text if first else text.partition("\r\n")[2]
        first = False


def _json_pieces(service: Service, wanted: records.JournalFilter) -> Iterator[bytes]:
    yield b'{"rows": ['
    between = b""
    for rows in _pages(service, wanted):
        yield between + b",".join(map(msgspec.json.encode, rows))
        between = b","
    yield b"]}"


# The check of the chain


async def verify(request: Request) -> Response:
    """Walk every chain from its beginning; the answer stands on the page."""
    await read_form(request)
    state, service = request.app.state, service_of(request)
    if not state.checking:
        state.checking = True
        try:
            state.checked = await run_in_threadpool(check_chains, service)
        finally:
            state.checking = False
    return RedirectResponse("/journal#chain", 303)


def check_chains(service: Service) -> Checked:
    """Every fault of every chain, as far as there are not too many to show."""
    began, entries = utc_now(), 0
    with service.engine.begin() as database:
        faults = list(journal.emptied(database))
        for chain in journal.chains(database):
            for fault in journal.verify(database, chain):
                faults.append(fault)
                if len(faults) >= _MOST_FAULTS:
                    break
        entries = sum(records.journal_ends(database).values())
    done = utc_now()
    return Checked(at=done, seconds=(done - began).total_seconds(), entries=entries, faults=tuple(faults))
