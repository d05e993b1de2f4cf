"""Naming and counting the vendor calls that a simulator receives."""

from collections import Counter
from collections.abc import Callable

import msgspec


class VendorCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the fault plan sees it, before the application does."""

    method: str
    path: str
    query: str
    #: Lower-case names.
    headers: dict[str, str]
    body: bytes


#: Gives a call its name (`RunEvent`, `order/detail`), or None for staff screens and test control.
NameCall = Callable[[VendorCall], str | None]


class CallCounts:
    """How often each vendor call was received, reads and writes alike."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str) -> None:
        self._counts[name] += 1

    def as_dict(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))
