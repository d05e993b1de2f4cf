"""The mapping file: what was detected, written down so that a person can correct it (TOML)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import msgspec

from countermand.compare.errors import CompareError
from countermand.compare.offline import OFFLINE
from countermand.compare.statuses import Meaning
from countermand.compare.values import DateStyle, NumberStyle
from countermand.core.status import Side


class FileChoices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person fixed about one file; whatever is left out is detected."""

    encoding: str = ""
    delimiter: str = ""
    header_line: int | None = None
    sheet: str = ""
    dates: DateStyle | None = None
    numbers: NumberStyle | None = None
    #: A regular expression; what it finds in the key (its first group, if it has one) is compared.
    key_pattern: str = ""
    #: Role -> heading; an empty heading takes the role away.
    columns: Mapping[str, str] = {}
    #: Axis -> raw status -> what it means.
    statuses: Mapping[str, Mapping[str, Meaning]] = {}


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The two roles whose values are the same order: a storefront one and a MIS one."""

    storefront: str = ""
    mis: str = ""


class Corrections(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole mapping file."""

    keys: Keys = Keys()
    storefront: FileChoices = FileChoices()
    mis: FileChoices = FileChoices()

    def side(self, side: Side) -> FileChoices:
        return self.storefront if side is Side.STOREFRONT else self.mis


def read(path: Path) -> Corrections:
    """Read a mapping file. Raises CompareError with the place of the mistake."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        corrections = msgspec.convert(data, Corrections)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CompareError(f"The mapping file {path} is not valid TOML: {error}.") from error
    except msgspec.ValidationError as error:
        raise CompareError(f"The mapping file {path} has a value that does not fit: {error}.") from error
    except OSError as error:
        raise CompareError(f"The mapping file {path} cannot be read: {error.strerror}.") from error
    for side in Side:
        _check_pattern(path, corrections.side(side).key_pattern)
    return corrections


def _check_pattern(path: Path, pattern: str) -> None:
    """A pattern has to be good for Python, which counts its groups, and for DuckDB (RE2), which runs it."""
    try:
        re.compile(pattern)
        with duckdb.connect(config=OFFLINE) as db:
            db.execute("SELECT regexp_extract('', ?)", [pattern])
    except (re.error, duckdb.Error) as error:
        raise CompareError(
            f"The mapping file {path} has a key_pattern {pattern!r} that is no regular expression: {error}."
        ) from error


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def table(title: str, entries: Iterable[tuple[str, str, str]]) -> list[str]:
    """One TOML table; each entry is key, value, and a comment that may be empty."""
    lines = ["", f"[{title}]"]
    for key, value, comment in entries:
        bare = key if key.replace("_", "").isalnum() and key.isascii() else quoted(key)
        lines.append(f"{bare} = {value}" + (f"  # {comment}" if comment else ""))
    return lines
