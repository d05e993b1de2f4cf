"""The summary in the terminal: what was read and how, what was found, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from countermand.compare.classify import Class, Urgency
from countermand.compare.result import URGENCY_WORDS, Comparison, Difference, SideReport
from countermand.compare.run import Request
from countermand.compare.titles import TITLES, counted, money

_WORST = 20
_STATUSES = 30
_STYLES = {Urgency.NOW: "bold red", Urgency.TODAY: "yellow"}


def show(
    comparison: Comparison,
    found: Callable[[int | None], Iterator[Difference]],
    request: Request,
    out: Console,
) -> None:
    """Print the result; the full list is in the reports."""
    for label, side in (("Storefront", comparison.storefront), ("MIS", comparison.mis)):
        _show_side(label, side, out)
    out.print(f"\n[bold]Matched by[/] {escape(comparison.matched_by)}: {comparison.unit} compared.")
    for note in comparison.notes:
        out.print(f"[bold]Note:[/] {escape(note)}")
    out.print(_counts(comparison))
    if comparison.drift and not request.outs:
        out.print(_worst(found(_WORST)))
        if comparison.drift > _WORST:
            out.print(f"{comparison.drift - _WORST:,} more: add --out report.html for all of them.")
    for path in request.outs:
        out.print(f"Written: {escape(str(path))}")
    if request.map_path is not None:
        out.print(f"How the files were read, to correct: {escape(str(request.map_path))}")
    else:
        out.print(
            "Something read wrongly? Add --map mapping.toml, correct the file that it writes, run again."
        )


def _show_side(label: str, side: SideReport, out: Console) -> None:
    out.print(f"\n[bold]{label}[/] {escape(side.name)}: {side.rows:,} rows")
    for term, what in side.facts:
        out.print(f"  {term}: {escape(what)}")
    out.print("  Statuses:")
    for raw, meant, rows in side.statuses[:_STATUSES]:
        read = escape(meant) if meant else "[bold red]not known[/]"
        out.print(f"    {escape(raw)} = {read} ({counted(rows, 'row')})")
    if len(side.statuses) > _STATUSES:
        out.print(f"    and {len(side.statuses) - _STATUSES:,} more combinations")


def _counts(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    value = f"Value {comparison.currency}".strip()
    for heading in ("", comparison.unit.capitalize(), "Storefront rows", "MIS rows", value):
        table.add_column(heading, justify="left" if not heading else "right")
    for kind, count in comparison.counts.items():
        if count.found or kind is Class.IN_STEP:
            rows = (f"{count.found:,}", f"{count.storefront_rows:,}", f"{count.mis_rows:,}")
            table.add_row(TITLES[kind], *rows, money(count.value) if kind.is_drift else "")
    at_stake = money(comparison.value_at_stake)
    table.add_row("All differences", f"{comparison.drift:,}", "", "", at_stake, style="bold")
    table.add_row(
        "All rows read",
        "",
        f"{comparison.storefront.rows:,}",
        f"{comparison.mis.rows:,}",
        "",
        style="bold",
    )
    return table


def _worst(found: Iterator[Difference]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("When", "What is wrong", "Order", "Jobs", "Storefront", "MIS", "Value"):
        table.add_column(heading, justify="right" if heading == "Value" else "left", overflow="fold")
    for one in found:
        wrong = f"{TITLES[one.kind]} ({one.stage})" if one.stage else TITLES[one.kind]
        table.add_row(
            URGENCY_WORDS[one.urgency],
            escape(wrong),
            escape(one.order or one.key),
            escape(one.jobs),
            escape(one.storefront_status or "–"),
            escape(one.mis_status or "–"),
            money(one.value),
            style=_STYLES.get(one.urgency),
        )
    return table
