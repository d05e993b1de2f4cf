"""What is wrong with a set-up file: one sentence per problem, with file, line and setting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path

import msgspec

_MOST_SHOWN = 60


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend. `line` is none when the file as a whole is meant; `setting` is its dotted name."""

    file: Path
    line: int | None
    setting: str
    says: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else str(self.file)
        return f"{where}: {self.says}"


class SetUpError(RuntimeError):
    """The set-up file cannot be used as it is; nothing of it was taken over.

    `watched`: the files on which that depends.
    """

    def __init__(self, problems: Iterable[Problem], watched: Iterable[Path]) -> None:
        self.watched = tuple(watched)
        self.problems = tuple(sorted(problems, key=lambda one: one.line or 0))
        super().__init__("\n".join(map(str, self.problems)))


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at what a misspelt name may have meant; empty when nothing is near."""
    found = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


def shown(value: object) -> str:
    """A value as the file has it, cut short. Never called with a secret."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, msgspec.MsgspecError):
        text = "a list"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
