"""Times on screens: relative words with the exact moment beside them, in the viewer's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup
from starlette.requests import Request

ZONE_COOKIE = "countermand_zone"


def zone_of(request: Request) -> tzinfo:
    """The viewer's time zone, as their browser told it; UTC until it has."""
    name = unquote(request.cookies.get(ZONE_COOKIE, ""))
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def exact(moment: datetime, zone: tzinfo) -> str:
    """`Mon 23 Nov 2026, 14:05:09 GMT`."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S} {local.tzname()}"


def short(moment: datetime, zone: tzinfo) -> str:
    """`23 Nov, 14:05`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b, %H:%M}"


def relative(moment: datetime, now: datetime) -> str:
    """`2 min ago`, `in 3 h`."""
    gap = now - moment
    words = span(abs(gap))
    if abs(gap) < timedelta(seconds=5):
        return "just now"
    return f"{words} ago" if gap > timedelta(0) else f"in {words}"


def span(gap: timedelta) -> str:
    """A length of time in its largest fitting unit."""
    seconds = gap.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds % 1 else f"{int(seconds)} s"
    for size, unit in ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def time_tag(moment: datetime | None, zone: tzinfo, now: datetime, style: str = "relative") -> Markup:
    """A `<time>` element; the page's script keeps relative ones up to date."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    words = {"relative": relative(moment, now), "age": span(abs(now - moment))}.get(
        style, short(moment, zone)
    )
    return Markup('<time datetime="{}" title="{}" data-style="{}">{}</time>').format(
        moment.isoformat(timespec="milliseconds"), exact(moment, zone), style, words
    )
