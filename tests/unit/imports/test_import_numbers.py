"""What programs and spreadsheets do to the numbers in an export, before it is brought in."""

from __future__ import annotations

from pathlib import Path

import pytest

from countermand.compare.errors import CompareError
from countermand.imports.batch import ImportBatch
from countermand.imports.files import batches, open_files

ORDERS = "Order ID,Job ID,Order Status,Shipping Status\n{0},s5001,Cancelled,Not Yet Shipped\n"
JOBS = "Job No,Customer Reference,External Job Reference,Status\nJ1,{0},s5001,In Production\n"


def read(folder: Path, number: str) -> list[ImportBatch]:
    storefront, mis, work = folder / "infigo.csv", folder / "printiq.csv", folder / "work"
    storefront.write_text(ORDERS.format(number), encoding="utf-8")
    mis.write_text(JOBS.format(number), encoding="utf-8")
    work.mkdir()
    with open_files(storefront, mis, work) as files:
        return list(batches(files))


def test_a_number_that_a_program_took_for_a_decimal_is_the_order_that_it_was(tmp_path: Path) -> None:
    (batch,) = read(tmp_path, "10001.0")
    assert [order.order_id for order in batch.orders] == ["10001"]
    assert [item.customer_reference for item in batch.items] == ["10001"]


def test_numbers_that_a_spreadsheet_cut_off_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CompareError, match=r"infigo\.csv has order numbers like 1\.23457E\+11: a spreadsheet"
    ):
        read(tmp_path, "1.23457E+11")
