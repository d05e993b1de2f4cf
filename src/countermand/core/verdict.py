"""What the merge of two sides says should happen to a line."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

import msgspec

from countermand.core.command import Change
from countermand.core.status import Side
from countermand.core.tasks import TaskKind


class InStep(msgspec.Struct, frozen=True, tag="in_step"):
    """Both sides agree; `close` when neither has the line any more."""

    rule: str
    close: bool = False


class Push(msgspec.Struct, frozen=True, tag="push"):
    """One side should become what the other is. Whether, when and by whom is for the guards to say."""

    rule: str
    change: Change
    target: Side
    tracking: frozenset[str] = frozenset()


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Only a person can say what is right."""

    rule: str
    task: TaskKind
    detail: str = ""


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """A person has said that the two sides may differ in just this way."""

    rule: str
    by: str = ""


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """Nothing to do before `until` (none: before something changes)."""

    rule: str
    until: datetime | None = None


Verdict: TypeAlias = InStep | Push | Ask | Settled | Wait
