"""What the listings of one system showed, as far as it was taken in: what they show again is no news."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Generic, TypeVar

from msgspec.structs import replace

from countermand.bridge.ports import MisItem, OrderNotRead, StorefrontOrder

Shown = TypeVar("Shown", StorefrontOrder | OrderNotRead, MisItem)


class Listed(Generic[Shown]):
    """By order id or reference.

    `unsettled`: taken in, but another try may find more, see `ask_again`. What a listing only names looks the
    same whatever becomes of it.
    """

    def __init__(self) -> None:
        self._taken: dict[str, Shown] = {}
        self._unsettled: set[str] = set()

    @property
    def known(self) -> Set[str]:
        return self._taken.keys()

    def news(self, shown: Mapping[str, Shown]) -> dict[str, Shown]:
        """What shows something else than when it was last taken in."""
        return {key: one for key, one in shown.items() if self._is_news(key, one)}

    def _is_news(self, key: str, shown: Shown) -> bool:
        known = self._taken.get(key)
        return known is None or replace(known, began_at=shown.began_at) != shown

    def take(self, shown: Mapping[str, Shown], unsettled: Set[str] = frozenset()) -> None:
        """All of it was taken in."""
        self._taken |= shown
        self._unsettled = (self._unsettled - shown.keys()) | unsettled

    def ask_again(self, also: Set[str] = frozenset()) -> None:
        """What is not settled is news at the next listing, and so is `also`."""
        for key in self._unsettled | also:
            self._taken.pop(key, None)
        self._unsettled.clear()

    def keep(self, keys: Set[str]) -> None:
        """Forget all but what a listing that goes far back shows: where it fails, that is nothing."""
        self._taken = {key: one for key, one in self._taken.items() if key in keys}
        self._unsettled &= keys
