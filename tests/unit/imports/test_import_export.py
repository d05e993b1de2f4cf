"""Exports in, exports out: the disagreements are the same ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

from import_shop import CANCELLED, DISPATCHED, EXPORTED, SHOP, STARTED, Old, Shop, write_exports

from countermand.compare.run import Request, compare_files
from countermand.exports.tables import EXPORTS
from countermand.exports.write import write_csv
from countermand.imports.files import batches, open_files
from countermand.imports.take_in import take_in

_OLD = [
    Old(number=40000 + number, storefront=storefront, mis=mis)
    for number, (storefront, mis) in enumerate(
        (storefront, mis)
        for storefront in (Old(number=0).storefront, CANCELLED, DISPATCHED)
        for mis in (Old(number=0).mis, STARTED, CANCELLED, DISPATCHED, None)
    )
]


def _disagreements(storefront: Path, mis: Path, work: Path) -> tuple[dict[str, str], int]:
    """Class of every line that differs, and how many keys were compared."""
    work.mkdir()
    request = Request(storefront=str(storefront), mis=str(mis))
    with compare_files(request, work) as (comparison, found):
        return {one.key: one.kind.value for one in found(None)}, comparison.compared


def test_compare_says_of_our_export_what_it_said_of_theirs(tmp_path: Path) -> None:
    shop = Shop(_OLD)
    theirs = write_exports(tmp_path, _OLD)
    (tmp_path / "import").mkdir()
    with open_files(*theirs, tmp_path / "import", EXPORTED) as files:
        for batch in batches(files):
            asyncio.run(take_in(batch, shop.connection, shop.store, shop.clock))
    ours = []
    for export in EXPORTS["lines"]:
        path = tmp_path / f"lines-{export.side}.csv"
        with path.open("wb") as file, shop.engine.begin() as database:
            write_csv(file, export.columns, export.rows(database, SHOP))
        ours.append(path)
    before, compared = _disagreements(*theirs, tmp_path / "theirs")
    after, again = _disagreements(ours[0], ours[1], tmp_path / "ours")
    assert before == after
    assert len(set(before.values())) >= 5, "too few kinds of disagreement to prove anything"
    # The job of a phone order carries no line of ours, so it is in their export only.
    assert compared == again + 1
