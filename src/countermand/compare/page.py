"""The report that a manager reads and prints: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from itertools import groupby, islice
from pathlib import Path

import msgspec
from jinja2 import Environment, StrictUndefined

from countermand.compare.classify import Class, Urgency
from countermand.compare.result import Comparison, Difference
from countermand.compare.titles import TITLES, money

#: Longer lists are for a spreadsheet; the page says how many more there are.
SHOWN = 1_000

_URGENCIES = {
    Urgency.NOW: ("Now", "Goods and order contradict each other; every hour costs."),
    Urgency.TODAY: ("Today", "Work goes on that nobody wants, or a customer waits for nothing."),
    Urgency.SOON: ("Soon", "Nothing is lost yet, and somebody has to look."),
    Urgency.WHEN_CONVENIENT: ("When convenient", "Tidying up: no goods or money depend on it."),
}


def write_html(path: Path, comparison: Comparison, differences: Callable[[], Iterator[Difference]]) -> None:
    """Write the report. No script, no outside address; it follows the reader's light or dark setting."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"money": money, "count": _count}
    template = environment.from_string(files(__package__).joinpath("report.html").read_text(encoding="utf-8"))
    shown = list(islice(differences(), SHOWN))
    sections = [
        (*_URGENCIES[urgency], urgency.name.lower(), _groups(found))
        for urgency, found in groupby(shown, key=lambda found: found.urgency)
    ]
    kinds = [(kind, TITLES[kind], count) for kind, count in comparison.counts.items() if count.found]
    path.write_text(
        template.render(
            comparison=comparison,
            sections=sections,
            drift=[entry for entry in kinds if entry[0].is_drift],
            rest=[entry for entry in kinds if not entry[0].is_drift],
            in_step=comparison.counts[Class.IN_STEP].found,
            more=comparison.drift - len(shown),
            has_value=comparison.value_at_stake is not None,
        ),
        encoding="utf-8",
    )


class Group(msgspec.Struct, frozen=True):
    """Differences for which the same has to be done."""

    title: str
    stage: str
    advice: str
    found: list[Difference]


def _groups(found: Iterable[Difference]) -> list[Group]:
    """The same advice is given once; the most valuable order stays first in its group."""
    together: dict[tuple[Class, str, str], list[Difference]] = {}
    for one in found:
        together.setdefault((one.kind, one.stage, one.advice), []).append(one)
    order = list(Class)
    return [
        Group(TITLES[kind], "" if kind is Class.CANCELLED_BUT_DISPATCHED else stage, advice, alike)
        for (kind, stage, advice), alike in sorted(together.items(), key=lambda item: order.index(item[0][0]))
    ]


def _count(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
