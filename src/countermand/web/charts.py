"""Small charts, drawn here as SVG: exact numbers on them, readable without colour and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from markupsafe import Markup

from countermand.ledger.figures import Day

_EPOCH = date(1970, 1, 1)
_WIDTH, _HEIGHT, _BASE, _TOP = 700, 190, 160, 22


def day_bars(days: Sequence[Day]) -> Markup:
    """One bar a day: cancels below, dispatches on top of them, the sum above."""
    most = max((day.total for day in days), default=0) or 1
    step = _WIDTH / max(len(days), 1)
    parts = [_bar(day, index * step, step, most) for index, day in enumerate(days)]
    return Markup(
        '<svg class="bars" viewBox="0 0 {w} {h}" role="img" aria-labelledby="bars-title">'
        '<title id="bars-title">{title}</title>'
        '<line class="axis" x1="0" x2="{w}" y1="{b}" y2="{b}"></line>{parts}</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, b=_BASE + 0.5, title=_said(days), parts=Markup("").join(parts))


def _bar(day: Day, x: float, step: float, most: int) -> Markup:
    scale = (_BASE - _TOP) / most
    cancels, dispatches = day.cancels * scale, day.dispatches * scale
    wide, left = min(step * 0.62, 44), x + (step - min(step * 0.62, 44)) / 2
    on = _EPOCH + timedelta(days=day.number)
    label = Markup('<text class="number" x="{:.1f}" y="{:.1f}">{}</text>').format(
        x + step / 2, _BASE - cancels - dispatches - 5, f"{day.total:,}"
    )
    return Markup(
        "<g><title>{said}</title>"
        '<rect class="cancels" x="{x:.1f}" y="{cy:.1f}" width="{w:.1f}" height="{ch:.1f}"></rect>'
        '<rect class="dispatches" x="{x:.1f}" y="{dy:.1f}" width="{w:.1f}" height="{dh:.1f}"></rect>'
        '{label}<text class="day" x="{mid:.1f}" y="{ty}">{day}</text>'
        '<text class="day week" x="{mid:.1f}" y="{ty2}">{weekday}</text></g>'
    ).format(
        said=_day_said(day),
        x=left,
        w=wide,
        cy=_BASE - cancels,
        ch=cancels,
        dy=_BASE - cancels - dispatches,
        dh=dispatches,
        label=label if day.total else "",
        mid=x + step / 2,
        ty=_BASE + 15,
        ty2=_BASE + 28,
        day=on.day,
        weekday=f"{on:%a}",
    )


def _day_said(day: Day) -> str:
    on = _EPOCH + timedelta(days=day.number)
    return f"{on:%A} {on.day} {on:%B}: {day.cancels:,} cancels, {day.dispatches:,} dispatches"


def _said(days: Sequence[Day]) -> str:
    busy = [_day_said(day) for day in days if day.total]
    return "Passed on per day. " + ("; ".join(busy) if busy else "Nothing yet.")
