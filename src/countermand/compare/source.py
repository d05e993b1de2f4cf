"""One input made readable for DuckDB: what kind of file it is, and a plain copy where one is needed."""

# ruff: noqa: S608 - every name put into SQL is ours or quoted by sql_name/sql_text
from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import duckdb
import msgspec

from countermand.compare import delimited, encoding, sheets
from countermand.compare.errors import CompareError
from countermand.compare.mapping import FileChoices
from countermand.compare.offline import OFFLINE

STDIN = "-"
_HEAD = 1 << 20
#: Enough for the shape of a table.
_ROWS_HEAD = 1 << 18
_SAMPLE_ROWS = 2_000
#: Exports are sorted by date, so the first rows are all of one kind: more come from places all over a file.
_PLACES, _PLACE_BYTES = 12, 1 << 14
_OTHER_FORMATS = {
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed (gzip)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"7z\xbc\xaf": "compressed (7-Zip)",
    b"SQLite": "a database",
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """An input that DuckDB can read: `relation` is the SQL of it with columns c0, c1, ... as text."""

    name: str
    kind: str
    path: Path
    encoding: str = ""
    delimiter: str = ""
    header_line: int = 0
    sheet: str = ""
    headings: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    #: The file is a copy of ours, already clean UTF-8.
    clean: bool = False

    @property
    def relation(self) -> str:
        quoted = sql_text(str(self.path))
        if self.kind == "Parquet":
            columns = ", ".join(f"{sql_name(h)}::VARCHAR AS c{i}" for i, h in enumerate(self.headings))
            return f"(SELECT {columns} FROM read_parquet({quoted}))"
        if self.kind.startswith("JSON"):
            columns = ", ".join(f"{sql_name(h)} AS c{i}" for i, h in enumerate(self.headings))
            types = ", ".join(f"{sql_text(h)}: 'VARCHAR'" for h in self.headings)
            form = "newline_delimited" if self.kind == "JSON lines" else "array"
            return f"(SELECT {columns} FROM read_json({quoted}, format='{form}', columns={{{types}}}))"
        types = ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(self.headings)))
        return (
            f"read_csv({quoted}, auto_detect=false, header=false, skip={self.header_line}, "
            f"delim={sql_text(self.delimiter)}, quote='\"', escape='\"', columns={{{types}}})"
        )


def sql_text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def sql_name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def open_source(
    argument: str, work: Path, choices: FileChoices, advance: Callable[[int], None] = lambda _: None
) -> Source:
    """Make one argument of the command readable. `work`: a folder of our own for copies.

    Raises CompareError, in one sentence, for whatever is no table of orders.
    """
    name, path = _as_file(argument, work)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\0 \r\n\t\xef\xbb\xbf\xff\xfe"):
        raise CompareError(f"{name} is empty; export it again with its orders.")
    if head.startswith(b"PAR1"):
        return _parquet(name, path)
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _workbook(name, path, work, choices)
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise CompareError(
                f"{name} is {what}, not an export: give CSV, TSV, XLSX, JSON lines or Parquet."
            )
    return _text(name, path, work, choices, head, advance)


def _as_file(argument: str, work: Path) -> tuple[str, Path]:
    """The file itself, or a copy of what comes through a pipe."""
    if argument == STDIN:
        return "standard input", _spool(sys.stdin.buffer, work / "standard-input")
    path = Path(argument)
    if path.is_dir():
        raise CompareError(f"{argument} is a folder: name the export file in it.")
    if not path.exists():
        raise CompareError(f"There is no file {argument}: check the name, or give - for standard input.")
    try:
        with path.open("rb") as file:
            if not path.is_file():
                return path.name, _spool(file, work / f"pipe-{path.name}")
        if set(str(path)) & set("*?[]{}"):
            # DuckDB would take such a name for a pattern of several files.
            plain = work / f"input-{len(list(work.iterdir()))}{path.suffix}"
            plain.symlink_to(path.absolute())
            return path.name, plain
    except OSError as error:
        raise CompareError(f"{argument} cannot be read ({error.strerror}): check who may read it.") from error
    return path.name, path


def _spool(stream: BinaryIO, target: Path) -> Path:
    with target.open("wb") as copy:
        shutil.copyfileobj(stream, copy, encoding.BLOCK)
    return target


def _parquet(name: str, path: Path) -> Source:
    with duckdb.connect(config=OFFLINE) as db:
        try:
            found = db.execute(f"SELECT * FROM read_parquet({sql_text(str(path))}) LIMIT {_SAMPLE_ROWS}")
            headings = tuple(column[0] for column in found.description or ())
            sample = tuple(
                tuple("" if cell is None else str(cell) for cell in row) for row in found.fetchall()
            )
        except duckdb.Error as error:
            raise CompareError(
                f"{name} is a Parquet file that cannot be read: it is damaged or was cut off; export "
                "it again."
            ) from error
    return Source(name=name, kind="Parquet", path=path, headings=headings, sample=sample)


def _workbook(name: str, path: Path, work: Path, choices: FileChoices) -> Source:
    target = work / f"{path.stem}-{len(list(work.iterdir()))}.csv"
    sheet = sheets.sheet_to_csv(path, target, name, choices.sheet)
    source = _delimited(name, target, choices, encoding.UTF8, delimiter=",")
    return msgspec.structs.replace(source, kind="Excel workbook", encoding="", sheet=sheet, clean=True)


def _text(
    name: str, path: Path, work: Path, choices: FileChoices, head: bytes, advance: Callable[[int], None]
) -> Source:
    found = choices.encoding or encoding.detect(head)
    if not found:
        raise CompareError(
            f"{name} is a binary file, not an export: give CSV, TSV, XLSX, JSON lines or Parquet."
        )
    copied = False
    if not encoding.is_plain(found):
        target = work / f"{path.stem}-{len(list(work.iterdir()))}.txt"
        found = encoding.to_utf8(path, target, found, name, advance)
        path, copied = target, True
    first = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \r\n\t")[:1]
    if first in (b"{", b"["):
        source = _json(name, path, found, "JSON lines" if first == b"{" else "JSON array")
    else:
        source = _delimited(name, path, choices, found)
        if not copied and _ends_lines_differently(path, source.header_line):
            target = work / f"{path.stem}-{len(list(work.iterdir()))}.txt"
            found = encoding.to_utf8(path, target, found, name, advance)
            source, copied = _delimited(name, target, choices, found), True
    return msgspec.structs.replace(source, clean=copied)


def _ends_lines_differently(path: Path, header_line: int) -> bool:
    """Whether lines end in different ways above the first row: DuckDB then leaves out more than was asked."""
    with path.open("rb") as file:
        above = [file.readline(_HEAD) for _ in range(header_line + 1)] if header_line > 1 else []
    return len({line.endswith(b"\r\n") for line in above if line.endswith(b"\n")}) > 1


def repair(source: Source, work: Path, advance: Callable[[int], None] = lambda _: None) -> Source | None:
    """A clean UTF-8 copy of a text file whose later part turned out not to be what its beginning was.

    None when there is nothing to repair: the file is well-formed text, so the fault is in its rows.
    """
    if source.clean or source.kind == "Parquet":
        return None
    target = work / f"{source.path.stem}-clean.txt"
    found = encoding.to_utf8(source.path, target, source.encoding, source.name, advance)
    return msgspec.structs.replace(source, path=target, encoding=found, clean=True)


def _json(name: str, path: Path, found: str, kind: str) -> Source:
    """Headings are the keys of the first objects, in the order in which they come."""
    records = _json_sample(path)
    if not records:
        raise CompareError(f"{name} looks like JSON and its first object cannot be read; export it again.")
    headings = tuple(dict.fromkeys(key for record in records for key in record))
    sample = tuple(tuple(_plain(record.get(key)) for key in headings) for record in records)
    return Source(name=name, kind=kind, path=path, encoding=found, headings=headings, sample=sample)


def _json_sample(path: Path) -> list[dict[str, object]]:
    decoder, records = json.JSONDecoder(), list[dict[str, object]]()
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        text = file.read(_HEAD)
    position = text.find("{")
    while position >= 0 and len(records) < _SAMPLE_ROWS:
        try:
            record, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            break
        records.append(record)
        position = text.find("{", position)
    return records


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _delimited(name: str, path: Path, choices: FileChoices, found: str, delimiter: str = "") -> Source:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        text = file.read(_ROWS_HEAD)
        if file.read(1):
            text = text[: text.rfind("\n") + 1]
    delimiter = delimiter or choices.delimiter
    shape = delimited.shape(text, name, delimiter, choices.header_line)
    return Source(
        name=name,
        kind="TSV" if shape.delimiter == "\t" else "CSV",
        path=path,
        encoding=found,
        delimiter=shape.delimiter,
        header_line=shape.header_line,
        headings=shape.headings,
        sample=shape.sample[:_SAMPLE_ROWS] + _rows_all_over(path, shape),
    )


def _rows_all_over(path: Path, shape: delimited.Shape) -> tuple[tuple[str, ...], ...]:
    """Whole rows from places spread over what follows the beginning."""
    size, rows = path.stat().st_size, list[tuple[str, ...]]()
    with path.open("rb") as file:
        for number in range(_PLACES):
            file.seek(_ROWS_HEAD + (size - _ROWS_HEAD) * number // _PLACES)
            if size <= _ROWS_HEAD or not file.readline():
                break
            text = file.read(_PLACE_BYTES)
            rows += delimited.rows_like(text[: text.rfind(b"\n") + 1].decode(errors="replace"), shape)
    return tuple(rows)
