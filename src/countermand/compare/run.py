"""One comparison from two file names to reports: the steps in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from countermand.compare import engine, keys, mapping
from countermand.compare.database import Database
from countermand.compare.errors import CompareError
from countermand.compare.layout import Layout, check_sides, lay_out, what_is_missing
from countermand.compare.load import Loaded, load
from countermand.compare.mapping import Corrections
from countermand.compare.result import Comparison, Difference, differences, summarise
from countermand.compare.source import STDIN, Source, open_source
from countermand.compare.template import mapping_text
from countermand.compare.write import write
from countermand.core.status import Side

Report = Callable[[str, float], None]
Found = Callable[[int | None], Iterator[Difference]]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    storefront: str
    mis: str
    outs: tuple[Path, ...] = ()
    map_path: Path | None = None
    as_of: datetime | None = None
    memory: str = "1200MB"


@contextmanager
def compare_files(
    request: Request, work: Path, report: Report = lambda _step, _share: None
) -> Iterator[tuple[Comparison, Found]]:
    """Compare two exports; yields the result and a way to iterate over its differences, worst first.

    `work`: an empty folder for working copies. `report` hears the step and how far it is (0..1).
    Raises CompareError when the files cannot be compared.
    """
    if request.storefront == request.mis == STDIN:
        raise CompareError("Only one of the two files can come from standard input: name the other one.")
    _assert_apart(request)
    corrections = _corrections(request)
    sources = [_open(request, side, work, corrections, report) for side in Side]
    laid_out = _lay_out(corrections, *sources)
    step = ""

    def progress(share: float) -> None:
        report(step, share)

    with Database(work, request.memory, progress) as db:
        laid_out = keys.find_by_content(db, *laid_out)
        for layout in laid_out:
            if missing := what_is_missing(layout):
                _write_mapping(request, laid_out, (), None)
                raise CompareError(missing)
        pairs = keys.offered(*laid_out, corrections.keys)
        sealed = all("quantity" in layout.roles for layout in laid_out)
        loaded: list[Loaded] = []
        for layout, position in zip(laid_out, (0, 1), strict=True):
            step = f"Reading {layout.source.name}"
            hashed = sorted({pair[position] for pair in pairs})
            loaded.append(load(db, layout, hashed, work, request.as_of, sealed=sealed))
        storefront, mis = loaded
        step = "Comparing"
        try:
            pair = keys.choose(db, storefront, mis, pairs)
        except CompareError:
            _write_mapping(request, laid_out, loaded, None)
            raise
        _write_mapping(request, [one.layout for one in loaded], loaded, pair)
        in_step = engine.compare(db, storefront, mis, pair, work)
        comparison = summarise(db, storefront, mis, pair, in_step)
        for path in request.outs:
            report(f"Writing {path.name}", 1.0)
            write(path, comparison, lambda: differences(db))
        yield comparison, lambda limit: differences(db, limit)


def _assert_apart(request: Request) -> None:
    """A report never overwrites what it is made from."""
    read = [Path(name) for name in (request.storefront, request.mis, request.map_path) if name is not None]
    for out in request.outs:
        if any(out.exists() and one.exists() and out.samefile(one) for one in read):
            raise CompareError(f"The report {out} would overwrite a file that is read: give it another name.")


def _corrections(request: Request) -> Corrections:
    if request.map_path is not None and request.map_path.exists():
        return mapping.read(request.map_path)
    return Corrections()


def _open(request: Request, side: Side, work: Path, corrections: Corrections, report: Report) -> Source:
    argument = request.storefront if side is Side.STOREFRONT else request.mis
    name = Path(argument).name
    report(f"Opening {name}", 0.0)
    size = Path(argument).stat().st_size if Path(argument).is_file() else 0
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(f"Converting {name}", min(done / size, 1.0) if size else 0.0)

    return open_source(argument, work, corrections.side(side), advance)


def _lay_out(corrections: Corrections, storefront: Source, mis: Source) -> tuple[Layout, Layout]:
    if not (corrections.storefront.columns or corrections.mis.columns):
        check_sides(storefront, mis)
    return (
        lay_out(Side.STOREFRONT, storefront, corrections.storefront),
        lay_out(Side.MIS, mis, corrections.mis),
    )


def _write_mapping(
    request: Request,
    layouts: list[Layout] | tuple[Layout, Layout],
    loaded: list[Loaded] | tuple[()],
    pair: keys.KeyPair | None,
) -> None:
    """Write what was detected, unless the file is there: a person's corrections are never overwritten."""
    path = request.map_path
    if path is None or path.exists():
        return
    try:
        path.write_text(mapping_text(layouts, loaded, pair), encoding="utf-8")
    except OSError as error:
        raise CompareError(f"The mapping file {path} cannot be written: {error.strerror}.") from error
