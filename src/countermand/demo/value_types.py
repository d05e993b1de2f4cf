"""Preparing the value types before several worlds run in one process.

msgspec looks at a type when it is first decoded to, and two threads that do so at the same moment crash the
process (seen with 0.22: a segmentation fault in `convert`). Every server of a world runs in its own thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import msgspec

_ONE_AT_A_TIME = Lock()
_prepared: set[type[msgspec.Struct]] = set()


def prepare_types() -> int:
    """Let msgspec look at every value type of the program, once; returns how many are prepared."""
    with _ONE_AT_A_TIME:
        for kind in set(_kinds(msgspec.Struct)) - _prepared:
            try:
                msgspec.json.Decoder(kind)
            except TypeError:
                continue  # a type that is never decoded to: it holds functions or connections
            finally:
                _prepared.add(kind)
        return len(_prepared)


def _kinds(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds(kind)
