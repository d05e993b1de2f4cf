"""What is detected in a file, and what is said when it cannot be read."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter
from drift_exports import generate, write_export

from countermand.compare.classify import Class
from countermand.compare.errors import CompareError
from countermand.compare.mapping import FileChoices
from countermand.compare.result import Comparison, Difference
from countermand.compare.run import Request, compare_files
from countermand.compare.source import open_source

INFIGO = (
    "Order ID,Order Status,Shipping Status\n1001,Processing,Not Yet Shipped\n1002,Cancelled,Not Yet Shipped\n"
)
PRINTIQ = "Job No,Customer Reference,Status\nJ1-01,1001,In Production\nJ2-01,1002,In Production\n"


class Files:
    """Two exports in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.map = folder / "mapping.toml"
        self.names = {"storefront": "infigo.csv", "mis": "printiq.csv"}
        self.write("infigo.csv", INFIGO)
        self.write("printiq.csv", PRINTIQ)

    def write(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def compare(
        self, *, map_file: bool = False, as_of: datetime | None = None
    ) -> tuple[Comparison, list[Difference]]:
        request = Request(
            storefront=str(self.folder / self.names["storefront"]),
            mis=str(self.folder / self.names["mis"]),
            map_path=self.map if map_file else None,
            as_of=as_of,
        )
        work = self.folder / f"work-{len(list(self.folder.iterdir()))}"
        work.mkdir()
        with compare_files(request, work) as (comparison, found):
            return comparison, list(found(None))

    def error(self, *, map_file: bool = False) -> str:
        with pytest.raises(CompareError) as raised:
            self.compare(map_file=map_file)
        return str(raised.value)

    def read_as(self, side: str = "storefront") -> dict[str, str]:
        comparison, _ = self.compare()
        return dict(getattr(comparison, side).facts)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def keys(found: list[Difference]) -> dict[str, Class]:
    return {difference.key: difference.kind for difference in found}


@pytest.mark.parametrize(
    ("delimiter", "word"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe"), (",", "comma")]
)
def test_the_delimiter_is_found_and_shown(files: Files, delimiter: str, word: str) -> None:
    files.write("infigo.csv", INFIGO.replace(",", delimiter))
    assert f"{word} between columns" in files.read_as()["Format"]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with BOM"),
        ("utf-16", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-16-le", "UTF-16 (little-endian, no BOM)"),
        ("utf-16-be", "UTF-16 (big-endian, no BOM)"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_the_encoding_is_found_and_shown(files: Files, encoding: str, shown: str) -> None:
    text = "Order ID,Order Status,Customer\n1001,Cancelled,Café “Zoë”\n1002,Processing,Plain\n"
    files.write("infigo.csv", text.encode(encoding))
    comparison, found = files.compare()
    assert f", {shown}," in dict(comparison.storefront.facts)["Format"]
    assert [difference.customer for difference in found] == ["Café “Zoë”"]


def test_an_encoding_that_only_shows_late_in_the_file(files: Files) -> None:
    rows = "".join(f"{number},Processing,Not Yet Shipped\n" for number in range(2000, 32_000))
    files.write("infigo.csv", (INFIGO + rows).encode() + "1003,Processing,Expédié\n".encode("cp1252"))
    comparison, _ = files.compare()
    assert comparison.storefront.rows == 30_003
    assert "Windows-1252" in dict(comparison.storefront.facts)["Format"]
    assert ("Processing / Expédié", "", 1) in comparison.storefront.statuses


def test_line_ends_of_both_kinds_in_one_file(files: Files) -> None:
    files.write("infigo.csv", INFIGO.replace("\n", "\r\n", 2))
    assert keys(files.compare()[1]) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


def test_headings_below_a_title(files: Files) -> None:
    files.write("printiq.csv", "Jobs report,,\nmade on 23 November,,\n\n" + PRINTIQ)
    comparison, found = files.compare()
    assert "headings in line 4" in dict(comparison.mis.facts)["Format"]
    assert len(found) == 1


def test_a_file_without_headings_is_known_by_its_content(files: Files) -> None:
    files.write("printiq.csv", PRINTIQ.partition("\n")[2])
    comparison, found = files.compare()
    assert "no headings" in dict(comparison.mis.facts)["Format"]
    assert keys(found) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


def test_headings_of_their_own_are_known_by_content(files: Files) -> None:
    files.write(
        "printiq.csv", PRINTIQ.replace("Job No,Customer Reference,Status", "Ticket,Webshop,Where is it")
    )
    comparison, found = files.compare()
    assert comparison.matched_by == "Order ID = Webshop"
    assert keys(found) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


def test_the_right_sheet_of_a_workbook(files: Files, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "jobs.xlsx")) as book:
        book.add_worksheet("Cover").write(0, 0, "Jobs of the week")
        sheet = book.add_worksheet("Data")
        for number, line in enumerate(PRINTIQ.splitlines()):
            cells = line.split(",")
            sheet.write_row(number, 0, [float(cell) if cell.isdigit() else cell for cell in cells])
    files.names["mis"] = "jobs.xlsx"
    comparison, found = files.compare()
    assert "sheet 'Data'" in dict(comparison.mis.facts)["Format"]
    assert keys(found) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


def test_a_json_array_is_read_as_well(files: Files) -> None:
    files.write(
        "printiq.json",
        '[{"JobNo": "J1-01", "CustomerReference": 1001, "Status": 3},'
        ' {"JobNo": "J2-01", "CustomerReference": 1002, "Status": 17}]',
    )
    files.names["mis"] = "printiq.json"
    comparison, found = files.compare()
    assert comparison.mis.rows == 2
    assert found == []


@pytest.mark.parametrize(
    ("dates", "style", "late"),
    [
        (("25/11/2026", "01/12/2026"), "day/month/year", 2),
        (("11/25/2026", "12/01/2026"), "month/day/year", 2),
        (("2026-11-25T08:00:00Z", "2026-11-20 09:00"), "year-month-day", 1),
        (("25-Nov-2026", "20-Nov-2026"), "day/month/year", 1),
    ],
)
def test_dates_are_found_and_as_of_sets_later_orders_aside(
    files: Files, dates: tuple[str, str], style: str, late: int
) -> None:
    files.write(
        "infigo.csv",
        f"Order ID,Order Date,Order Status\n1001,{dates[0]},Cancelled\n1002,{dates[1]},Cancelled\n",
    )
    comparison, found = files.compare(as_of=datetime(2026, 11, 24, tzinfo=UTC))
    assert dict(comparison.storefront.facts)["Dates"].startswith(style)
    assert comparison.counts[Class.AFTER_AS_OF].found == late
    assert len(found) == 2 - late


def test_a_date_that_proves_nothing_says_so(files: Files) -> None:
    files.write(
        "infigo.csv", "Order ID,Order Date,Order Status\n1001,03/04/2026,Pending\n1002,05/06/2026,Pending\n"
    )
    assert files.read_as()["Dates"] == "day/month/year (nothing in the file proves it)"


def test_prices_with_a_decimal_comma_and_a_currency(files: Files) -> None:
    files.write(
        "infigo.csv", "Order ID;Order Status;Price\n1001;Pending;€ 1.234,50\n1002;Cancelled;€ 99,90\n"
    )
    comparison, _ = files.compare()
    assert (comparison.value_at_stake, comparison.currency) == (99.90, "€")


def test_a_partly_shipped_line_by_its_quantities(files: Files) -> None:
    files.write(
        "infigo.csv",
        "Order ID,Order Status,Quantity,Shipped Quantity\n1001,Processing,100,40\n1002,Processing,5,5\n",
    )
    _, found = files.compare()
    assert keys(found) == {"1001": Class.SHIPPED_IN_STOREFRONT_ONLY, "1002": Class.SHIPPED_IN_STOREFRONT_ONLY}
    assert found[0].storefront_read_as in ("open, partly sent", "open, sent")


def test_one_job_with_a_row_per_delivery_is_no_contradiction(files: Files) -> None:
    files.write(
        "printiq.csv",
        "Job No,Customer Reference,Status,Delivery Status\n"
        "J1-01,1001,Complete,Dispatched\nJ1-01,1001,Complete,Not dispatched\nJ2-01,1002,Cancelled,\n",
    )
    _, found = files.compare()
    assert keys(found) == {"1001": Class.SHIPPED_IN_MIS_ONLY}


def test_jobs_without_a_reference_are_no_web_orders(files: Files) -> None:
    files.write("printiq.csv", PRINTIQ + "J9-01,,Cancelled\n,,\n")
    comparison, _ = files.compare()
    assert comparison.counts[Class.WITHOUT_KEY].mis_rows == 2
    assert any("without a reference" in note for note in comparison.notes)


# --- the mapping file -------------------------------------------------------------------------------


def test_the_mapping_file_reads_back_to_the_same_result(files: Files) -> None:
    first = files.compare(map_file=True)
    again = files.compare(map_file=True)
    assert files.map.read_text(encoding="utf-8").startswith("# How `countermand compare` read")
    assert (first[0].counts, first[1]) == (again[0].counts, again[1])


def test_a_correction_of_a_status_changes_the_result(files: Files) -> None:
    files.write("printiq.csv", PRINTIQ.replace("J2-01,1002,In Production", "J2-01,1002,Parked"))
    assert keys(files.compare(map_file=True)[1]) == {"1002": Class.UNMAPPED_STATUS}
    text = files.map.read_text(encoding="utf-8")
    files.map.write_text(text.replace('Parked = "unmapped"', 'Parked = "cancelled"'), encoding="utf-8")
    assert files.compare(map_file=True)[1] == []


def test_the_person_s_file_is_never_overwritten(files: Files) -> None:
    files.map.write_text("# mine\n", encoding="utf-8")
    files.compare(map_file=True)
    assert files.map.read_text(encoding="utf-8") == "# mine\n"


def test_a_key_can_be_cut_out_of_a_longer_text(files: Files) -> None:
    files.write(
        "printiq.csv", PRINTIQ.replace("1001", "Web order 1001 (Jo)").replace("1002", "Web order 1002")
    )
    files.map.write_text("[mis]\nkey_pattern = 'order (\\d+)'\n", encoding="utf-8")
    assert keys(files.compare(map_file=True)[1]) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[mis.columns]\nstatus = 'Nowhere'\n", "'Nowhere', which the file does not have"),
        ("[mis.columns]\ncolour = 'Status'\n", "a column role 'colour'"),
        ("[mis]\nencoding = 'klingon'\n", "encoding 'klingon', which does not exist"),
        ("[mis]\nkey_pattern = '('\n", "key_pattern"),
        ("[keys]\nstorefront = 'line'\n", "compares by 'line', which infigo.csv does not have"),
        ("[mis.statuses.status]\nParked = 'somewhere'\n", "has a value that does not fit"),
        ("not toml", "is not valid TOML"),
        ("[mis]\ncolor = 1\n", "has a value that does not fit"),
    ],
)
def test_a_mistake_in_the_mapping_file_is_named(files: Files, text: str, expected: str) -> None:
    files.map.write_text(text, encoding="utf-8")
    assert expected in files.error(map_file=True)


def test_the_mapping_file_is_written_when_the_keys_do_not_match(files: Files) -> None:
    files.write("printiq.csv", PRINTIQ.replace("100", "900"))
    assert "No order of infigo.csv is in printiq.csv" in files.error(map_file=True)
    assert "[mis.columns]" in files.map.read_text(encoding="utf-8")


def test_the_mapping_file_is_written_when_a_column_is_missing(files: Files) -> None:
    files.write("printiq.csv", PRINTIQ.replace("In Production", "Stage 7").replace("Status", "Where"))
    assert "printiq.csv has no status column" in files.error(map_file=True)
    text = files.map.read_text(encoding="utf-8")
    assert '# Not used: "Where"' in text
    files.map.write_text(text.replace("[mis.columns]", '[mis.columns]\nstatus = "Where"'), encoding="utf-8")
    assert set(keys(files.compare(map_file=True)[1]).values()) == {Class.UNMAPPED_STATUS}


def test_a_purchase_order_number_is_a_hint_and_never_a_key_by_itself(files: Files) -> None:
    files.write("infigo.csv", "Order ID,PO Number,Order Status\n1001,77,Pending\n1002,78,Cancelled\n")
    files.write("printiq.csv", PRINTIQ.replace("1001", "77").replace("1002", "78"))
    assert "the PO Number would match Customer Reference" in files.error()
    files.map.write_text("[keys]\nstorefront = 'po'\n", encoding="utf-8")
    assert keys(files.compare(map_file=True)[1]) == {"78": Class.CANCELLED_IN_STOREFRONT_ONLY}


# --- files that cannot be compared ------------------------------------------------------------------


def _truncated(make: bytes) -> bytes:
    return make[: len(make) // 2]


def _binary() -> bytes:
    return bytes(range(256)) * 64


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("blank.csv", b"\xef\xbb\xbf \r\n\r\n", "blank.csv is empty"),
        ("headings.csv", b"Order ID,Order Status\n", "has headings and no orders"),
        ("binary.csv", _binary(), "binary.csv is a binary file"),
        ("report.pdf", b"%PDF-1.7 ...", "report.pdf is a PDF, not an export"),
        ("orders.csv.gz", b"\x1f\x8b\x08\x00", "is compressed (gzip)"),
        ("cut.csv", INFIGO[:-20].encode(), "was cut off: its last line, 3, has 2 of 3 columns"),
        ("ragged.csv", (INFIGO + "1003,a,b,c\n1004,Pending,Shipped\n").encode(), "has 4 columns in line 4"),
        ("quote.csv", (INFIGO + '1003,"Pending,Shipped\n1004,x,y\n').encode(), "never closes it"),
        ("cut.xlsx", b"PK\x03\x04" + b"x" * 200, "is an Excel workbook that cannot be opened"),
        ("cut.parquet", b"PAR1" + b"x" * 200, "is a Parquet file that cannot be read"),
        (
            "cut.jsonl",
            b'{"Order ID": 1, "Order Status": "Pending"}\n{"Order ID": 2, "Ord',
            "has no valid JSON in line",
        ),
        ("odd.jsonl", b"{not json at all", "its first object cannot be read"),
        (
            "nokey.csv",
            b"Colour,Order Status\nred,Pending\nred,Pending\n",
            "has no column that names the order",
        ),
        ("nostatus.csv", b"Order ID,Colour\n1001,red\n1002,blue\n", "nostatus.csv has no status column"),
    ],
)
def test_one_sentence_for_a_file_that_cannot_be_read(
    files: Files, name: str, content: bytes, expected: str
) -> None:
    files.write(name, content)
    files.names["storefront"] = name
    message = files.error()
    assert expected in message
    assert "\n" not in message


def test_a_cut_off_workbook_and_parquet_of_real_shape(files: Files, tmp_path: Path) -> None:
    for ending in ("xlsx", "parquet"):
        whole = write_export(
            tmp_path / f"whole.{ending}", generate(1, 50, by_line=False).storefront
        ).read_bytes()
        files.write(f"half.{ending}", whole[: len(whole) // 2])
        files.names["storefront"] = f"half.{ending}"
        assert "export it again" in files.error()


def test_swapped_files_are_named(files: Files) -> None:
    files.names = {"storefront": "printiq.csv", "mis": "infigo.csv"}
    assert "give the storefront's file first and the MIS's second" in files.error()


def test_the_same_file_twice(files: Files) -> None:
    files.names["mis"] = "infigo.csv"
    assert "both look like storefront exports" in files.error()


def test_a_status_column_that_is_none(files: Files) -> None:
    rows = "".join(f"{number},note {number}\n" for number in range(6_000))
    files.write("infigo.csv", "Order ID,Status\n" + rows)
    assert "so that is no status" in files.error()


def test_missing_files_and_folders(files: Files, tmp_path: Path) -> None:
    files.names["mis"] = "nowhere.csv"
    assert "There is no file" in files.error()
    (tmp_path / "folder").mkdir()
    files.names["mis"] = "folder"
    assert "is a folder" in files.error()


def test_both_from_standard_input(tmp_path: Path) -> None:
    with (
        pytest.raises(CompareError, match="Only one of the two"),
        compare_files(Request(storefront="-", mis="-"), tmp_path),
    ):
        pass


def test_one_from_standard_input(files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(INFIGO.encode("utf-16"))))
    work = tmp_path / "work"
    work.mkdir()
    request = Request(storefront="-", mis=str(tmp_path / "printiq.csv"))
    with compare_files(request, work) as (comparison, found):
        assert comparison.storefront.name == "standard input"
        assert len(list(found(None))) == 1


def test_a_file_name_that_looks_like_a_pattern(files: Files) -> None:
    files.write("orders[1].csv", INFIGO)
    files.names["storefront"] = "orders[1].csv"
    comparison, found = files.compare()
    assert comparison.storefront.name == "orders[1].csv"
    assert len(found) == 1


def test_order_numbers_that_a_program_turned_into_decimals(files: Files) -> None:
    files.write("printiq.csv", PRINTIQ.replace("1001", "1001.0").replace("1002", " #1002 "))
    assert keys(files.compare()[1]) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


def test_an_encoding_that_only_shows_late_in_standard_input(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = "".join(f"J{number}-01,{number},In Production\n" for number in range(2000, 42_000))
    text = (PRINTIQ + rows).encode() + "J9-01,1003,Expédié\n".encode("cp1252")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    work = tmp_path / "work"
    work.mkdir()
    with compare_files(Request(storefront=str(tmp_path / "infigo.csv"), mis="-"), work) as (comparison, _):
        assert comparison.counts[Class.ONLY_IN_MIS].mis_rows == 40_001
        assert ("Expédié", "", 1) in comparison.mis.statuses


def test_statuses_of_a_sorted_export_are_known_from_all_over_the_file(tmp_path: Path) -> None:
    """The newest orders come first, so the first thousands of rows all say the same."""
    rows = [f"{number},Processing,Not Yet Shipped" for number in range(20_000)]
    rows += [f"{number},Complete,Shipped" for number in range(20_000, 60_000)]
    path = tmp_path / "infigo.csv"
    path.write_text("Order ID,Order Status,Shipping Status\n" + "\n".join(rows) + "\n", encoding="utf-8")
    sample = open_source(str(path), tmp_path, FileChoices()).sample
    assert {row[1] for row in sample} == {"Processing", "Complete"}
    assert {row[0] for row in sample} <= {row.split(",")[0] for row in rows}


# What spreadsheets do to numbers


def notes(files: Files) -> str:
    comparison, _ = files.compare()
    return " ".join(comparison.notes)


def test_order_numbers_that_a_spreadsheet_cut_off_are_not_taken_for_the_same_order(files: Files) -> None:
    files.write(
        "infigo.csv",
        INFIGO + "1.23457E+11,Cancelled,Not Yet Shipped\n1.23457E+11,Cancelled,Not Yet Shipped\n",
    )
    files.write("printiq.csv", PRINTIQ + "J3-01,1.23457e+11,In Production\nJ4-01,1.23457E+11,Cancelled\n")
    comparison, found = files.compare()
    assert keys(found) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}
    assert comparison.counts[Class.WITHOUT_KEY].found == 4
    assert "2 rows in infigo.csv whose Order ID is like 1.23457E+11: a spreadsheet has cut it" in notes(files)


def test_order_numbers_without_the_zeros_in_front_are_told_of_and_can_be_mended(files: Files) -> None:
    files.write("infigo.csv", INFIGO.replace("1001", "01001"))
    assert "1 key would be found on the other side without the zeros in front" in notes(files)
    both = "\n".join(f"[{side}]\nkey_pattern = '0*(.+)'" for side in ("storefront", "mis"))
    files.map.write_text(both, encoding="utf-8")
    comparison, found = files.compare(map_file=True)
    assert keys(found) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}
    assert "zeros in front" not in " ".join(comparison.notes)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12,50 EUR", 12.5),
        ("1.234,50 kr", 1234.5),
        ("12.50 GBP", 12.5),
        ("CHF 12,50", 12.5),
        ("1,23E+05", 123_000),
    ],
)
def test_an_amount_is_read_as_it_was_meant(files: Files, written: str, meant: float) -> None:
    files.write(
        "infigo.csv",
        f"Order ID;Order Status;Shipping Status;Line Total\n1002;Cancelled;Not Yet Shipped;{written}\n",
    )
    _, found = files.compare()
    assert {one.key: one.value for one in found}["1002"] == meant


def test_a_quantity_with_an_exponent_is_the_number_that_it_stands_for(files: Files) -> None:
    files.write(
        "infigo.csv",
        "Order ID;Order Status;Shipping Status;Quantity\n1001;Processing;Not Yet Shipped;1,23E+05\n",
    )
    files.write("printiq.csv", "Job No,Customer Reference,Status,Quantity\nJ1-01,1001,In Production,123000\n")
    assert files.compare()[1] == []


def test_a_title_that_ends_its_lines_in_another_way_hides_no_rows(files: Files) -> None:
    for title, rest in (("\r\n", "\n"), ("\n", "\r\n")):
        files.write("infigo.csv", f"Orders of today{title}{title}" + INFIGO.replace("\n", rest))
        comparison, found = files.compare()
        assert comparison.storefront.rows == 2
        assert keys(found) == {"1002": Class.CANCELLED_IN_STOREFRONT_ONLY}


def test_a_quotation_mark_that_is_never_closed_is_named_in_a_long_file_too(files: Files) -> None:
    rows = "".join(f"{number},Processing,Not Yet Shipped\n" for number in range(20_000))
    files.write(
        "infigo.csv", f'Order ID,Order Status,Shipping Status\n999,"Processing,Not Yet Shipped\n{rows}'
    )
    assert files.error().startswith("infigo.csv opens a quotation mark in line 2 and never closes it")
