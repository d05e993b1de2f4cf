"""`[tell.NAME]`: programs outside that are told what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import httpx2 as httpx

from countermand.config.document import Document, dotted
from countermand.config.lines import Place
from countermand.config.model import THIS_MACHINE, DestinationTable
from countermand.config.problems import nearest, shown
from countermand.config.specs import TELL
from countermand.core.events import Event
from countermand.outbound.destination import Destination
from countermand.outbound.signing import key_of


def read_destinations(document: Document, tables: Mapping[str, object]) -> tuple[Destination, ...]:
    found = [_destination(document, name, values) for name, values in tables.items()]
    return tuple(one for one in found if one is not None)


def _destination(document: Document, name: str, values: object) -> Destination | None:
    place: Place = ("tell", name)
    read = document.build(place, DestinationTable, document.table(place, values), TELL)
    if read is None:
        return None
    if not _is_safe(read.url):
        document.wrong(
            (*place, "url"),
            f"{dotted((*place, 'url'))} must be an https address; http is for this machine only",
        )
    if read.console and not _is_address(read.console):
        document.wrong((*place, "console"), f"{dotted((*place, 'console'))} must be an address of a page")
    if document.secrets and read.secret:
        try:
            key_of(read.secret)
        except ValueError as error:
            document.wrong((*place, "secret"), f"{dotted((*place, 'secret'))} {error}")
    return Destination(
        name=name,
        url=read.url,
        secret=read.secret,
        events=_events(document, (*place, "events"), read.events),
        console=read.console,
    )


def _events(document: Document, place: Place, names: Sequence[str]) -> tuple[Event, ...]:
    known = {event.value: event for event in Event}
    for name in names:
        if name not in known:
            says = f"{dotted(place)} has {shown(name)}, which is no journal entry{nearest(name, known)}"
            document.wrong(place, says)
    return tuple(known[name] for name in names if name in known)


def _is_safe(url: str) -> bool:
    return _is_address(url) and (urlsplit(url).scheme == "https" or urlsplit(url).hostname in THIS_MACHINE)


def _is_address(url: str) -> bool:
    """Whether it is one for whoever splits it as well as for whoever sends to it."""
    try:
        parts = urlsplit(url)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
