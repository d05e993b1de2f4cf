"""What is stored, as files: every format holds the same rows, and `compare` reads the lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from python_calamine import CalamineWorkbook
from sqlalchemy import Engine, insert

from countermand.bridge.case import Case, CaseItem, CaseLine, Link, first_seen
from countermand.bridge.ports import MisItemKind
from countermand.bridge.store import Entry
from countermand.cli import main
from countermand.compare.classify import judge
from countermand.compare.run import Request, compare_files
from countermand.core.events import Event
from countermand.core.status import GONE, UNSEEN, Facts, Intent, LineStatus, Progress, Unmapped
from countermand.exports.tables import EXPORTS
from countermand.exports.write import FORMATS
from countermand.ledger import schema
from countermand.ledger.connections import remember_connection
from countermand.ledger.engine import open_engine
from countermand.ledger.journal import append
from countermand.ledger.upgrade import upgrade

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SHOP = "harbour-print"
STOREFRONT = [
    Facts(intent, progress)
    for intent in (Intent.OPEN, Intent.CANCELLED)
    for progress in (Progress.NONE, Progress.PART_DISPATCHED, Progress.DISPATCHED)
]
MIS = [Facts(intent, progress) for intent in Intent for progress in Progress]


class Ledger:
    """A database file with orders put into it directly."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.engine: Engine = open_engine(self.url)
        upgrade(self.engine)
        self.count = 0
        with self.engine.begin() as database:
            remember_connection(database, SHOP, NOW, NOW)

    def add(self, storefront: LineStatus, mis: LineStatus | None, **fields: object) -> str:
        """One order with one line; returns the line's number. `mis` none: no job."""
        self.count += 1
        order, line = str(50000 + self.count), f"s{50000 + self.count}"
        items = (
            ()
            if mis is None
            else (
                CaseItem(
                    ref=f"J{order}-01",
                    kind=MisItemKind.JOB,
                    mis=first_seen(mis, NOW, NOW),
                    title="Roller banner",
                ),
            )
        )
        links = tuple(Link(ref=item.ref, key="line id", by="countermand", at=NOW) for item in items)
        case = Case(
            order_id=order,
            first_seen_at=NOW,
            storefront_read_at=NOW,
            mis_read_at=NOW,
            placed_at=NOW - timedelta(days=3),
            total="48.50",
            lines=(
                CaseLine(line_id=line, storefront=first_seen(storefront, NOW, NOW), quantity=2, links=links),
            ),
            items=tuple(replace(item, quantity=2) for item in items),
        )
        case = replace(case, **fields)
        row = {
            "connection": SHOP, "order_ref": order, "version": 1, "state": "in_step",
            "customer": case.customer, "po_number": case.po_number, "placed_at": case.placed_at,
            "first_seen_at": NOW, "changed_at": NOW,
            "case_file": case,
        }  # fmt: skip
        with self.engine.begin() as database:
            database.execute(insert(schema.orders), row)
        return line

    def export(self, what: str, out: Path | None = None, *more: str) -> Result:
        target = [] if out is None else ["--out", str(out)]
        return CliRunner().invoke(main, ["export", what, "--database", self.url, *target, *more])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.engine.dispose()


def compared(storefront: Path, mis: Path, work: Path) -> tuple[dict[str, str], int]:
    work.mkdir()
    with compare_files(Request(storefront=str(storefront), mis=str(mis)), work) as (comparison, found):
        return {one.key: one.kind.value for one in found(None)}, comparison.compared


def exported_lines(ledger: Ledger, folder: Path, ending: str = "csv") -> tuple[Path, Path]:
    result = ledger.export("lines", folder / f"today.{ending}")
    assert result.exit_code == 0, result.output
    return folder / f"today-storefront.{ending}", folder / f"today-mis.{ending}"


@pytest.mark.parametrize("ending", list(FORMATS))
def test_compare_finds_in_the_lines_what_is_stored(ledger: Ledger, tmp_path: Path, ending: str) -> None:
    """Every state of one side against every state of the other, in every format."""
    expected: dict[str, str] = {}
    for storefront in STOREFRONT:
        for mis in [*MIS, None]:
            kind = judge(storefront, mis).kind
            line = ledger.add(storefront, mis)
            if kind.is_drift:
                expected[line.upper()] = kind.value
    storefront_file, mis_file = exported_lines(ledger, tmp_path, ending)
    found, count = compared(storefront_file, mis_file, tmp_path / "work")
    assert found == expected
    assert count == len(STOREFRONT) * (len(MIS) + 1)


def test_what_a_system_does_not_have_has_no_row_and_what_nobody_can_map_stays_as_it_is(
    ledger: Ledger, tmp_path: Path
) -> None:
    open_line = Facts(Intent.OPEN, Progress.NONE)
    only_here = ledger.add(open_line, UNSEEN)
    only_there = ledger.add(GONE, open_line)
    strange = ledger.add(Unmapped("Waiting for proof"), open_line)
    ledger.add(open_line, open_line)
    found, _ = compared(*exported_lines(ledger, tmp_path), tmp_path / "work")
    assert found == {
        only_here.upper(): "only_in_storefront",
        only_there.upper(): "only_in_mis",
        strange.upper(): "unmapped_status",
    }


# Formats


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of any format as text, without what formats spell differently."""
    match path.suffix:
        case ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [dict(row) for row in csv.DictReader(file)]
        case ".json":
            rows = json.loads(path.read_text())
        case ".xlsx":
            head, *cells = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
            rows = [dict(zip(head, row, strict=True)) for row in cells]
        case _:
            with duckdb.connect() as db:
                found = db.execute("SELECT * FROM read_parquet(?)", [str(path)])
                names = [column[0] for column in found.description or ()]
                rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return text.replace("+00:00", "").removesuffix("Z")


@pytest.mark.parametrize("what", ["orders", "tasks", "journal", "sweeps", "findings"])
def test_every_format_holds_the_same_rows(ledger: Ledger, tmp_path: Path, what: str) -> None:
    _fill(ledger)
    found = {}
    for ending in FORMATS:
        path = tmp_path / f"{what}.{ending}"
        result = ledger.export(what, path)
        assert result.exit_code == 0, result.output
        found[ending] = _rows(path)
    assert found["csv"], f"no row of {what} was exported, so this shows nothing"
    assert list(found["csv"][0]) == list(EXPORTS[what][0].columns)
    assert found["csv"] == found["json"] == found["xlsx"] == found["parquet"]


def _fill(ledger: Ledger) -> None:
    ledger.add(STOREFRONT[0], MIS[0], customer="Bäckerei Öztürk, Söhne")
    ledger.add(STOREFRONT[3], MIS[0], po_number="PO 7, second batch")
    task = {
        "connection": SHOP, "group_key": "cancel_in_mis:order 50002", "kind": "cancel_in_mis", "urgency": 1,
        "owner": "production", "because": "mode-manual", "opened_at": NOW, "due_at": NOW, "state": "open",
    }  # fmt: skip
    sweep = {
        "connection": SHOP, "state": "done", "by": "Priya Shah", "started_at": NOW, "moved_at": NOW,
        "finished_at": NOW, "position": 2, "last": 2, "total": 2, "compared": 2, "agreed": 1, "differing": 1,
        "calls": 4, "seconds": 1.5,
    }  # fmt: skip
    finding = {"sweep_id": 1, "order_id": 2, "kind": "differing", "why": "cancelled-here", "is_new": True}
    with ledger.engine.begin() as database:
        database.execute(insert(schema.task), task)
        database.execute(insert(schema.task_order), {"task_id": 1, "order_id": 2})
        database.execute(insert(schema.sweep), sweep)
        database.execute(insert(schema.sweep_finding), finding)
        entry = Entry(at=NOW, event=Event.ORDER_SEEN, subject="order/50001", extra={"lines": "s50001"})
        append(database, SHOP, [entry])


@pytest.mark.parametrize("ending", list(FORMATS))
def test_an_empty_table_is_a_file_with_headings_and_no_rows(
    ledger: Ledger, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"tasks.{ending}"
    assert ledger.export("tasks", path).exit_code == 0
    assert _rows(path) == []


def test_no_cell_runs_as_a_formula(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add(STOREFRONT[0], MIS[0], customer='=HYPERLINK("http://evil.example")')
    for ending in ("csv", "xlsx"):
        path = tmp_path / f"orders.{ending}"
        assert ledger.export("orders", path).exit_code == 0
        customer = _rows(path)[0]["customer"]
        assert customer.lstrip("'") == '=HYPERLINK("http://evil.example")'
    assert "'=HYPERLINK" in (tmp_path / "orders.csv").read_text()


def test_to_standard_output(ledger: Ledger) -> None:
    ledger.add(STOREFRONT[0], MIS[0])
    result = ledger.export("orders", None, "--format", "json")
    assert [row["order"] for row in json.loads(result.stdout)] == ["50001"]


def test_only_one_connection(ledger: Ledger) -> None:
    ledger.add(STOREFRONT[0], MIS[0])
    with ledger.engine.begin() as database:
        remember_connection(database, "another", NOW, NOW)
    result = ledger.export("orders", None, "--format", "json", "--connection", "another")
    assert json.loads(result.stdout) == []


# What cannot be


def test_lines_need_a_file_because_they_are_two(ledger: Ledger) -> None:
    result = ledger.export("lines")
    assert (result.exit_code, "--out lines.csv" in result.output) == (2, True)


def test_a_folder_that_is_not_there_is_said_so_and_leaves_nothing_behind(
    ledger: Ledger, tmp_path: Path
) -> None:
    result = ledger.export("orders", tmp_path / "nowhere" / "orders.csv")
    assert result.exit_code == 1
    assert "cannot be written" in result.output
    assert not (tmp_path / "nowhere").exists()


def test_without_a_database_it_says_where_one_comes_from(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    result = CliRunner().invoke(main, ["export", "orders", "--database", url])
    assert result.exit_code == 1
    assert "countermand serve" in result.output
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mongodb://scott:tiger@db/orders", "is of a kind that is not known"),
        ("scott:tiger@db", "The address of the database cannot be read"),
    ],
)
def test_an_address_that_is_none_is_said_without_its_password(url: str, says: str) -> None:
    result = CliRunner().invoke(main, ["export", "orders", "--database", url])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert says in result.output
    assert "tiger" not in result.output


def test_a_connection_that_is_not_known_is_no_empty_file(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add(Facts(Intent.OPEN, Progress.NONE), None)
    result = ledger.export("orders", tmp_path / "orders.csv", "--connection", "harbour")
    assert result.exit_code == 1
    assert f"There is no connection harbour; there are {SHOP}." in result.output
    assert not (tmp_path / "orders.csv").exists()
    assert ledger.export("orders", tmp_path / "orders.csv", "--connection", SHOP).exit_code == 0


def test_text_that_is_longer_than_a_cell_is_cut_and_not_left_out(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add(Facts(Intent.OPEN, Progress.NONE), None, customer="x" * 40_000)
    assert ledger.export("orders", tmp_path / "orders.xlsx").exit_code == 0
    sheet = CalamineWorkbook.from_path(str(tmp_path / "orders.xlsx")).get_sheet_by_index(0)
    heading, row = sheet.to_python()
    assert row[heading.index("customer")] == "x" * 32_766 + "…"
