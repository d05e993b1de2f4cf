"""What one step of a first import brings in: some orders, and the jobs that may make them."""

from __future__ import annotations

import msgspec

from countermand.bridge.ports import MisItem, StorefrontOrder


class ImportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """`orders` as an export shows them, `order_ids` to be read by id; `items`: jobs from an export."""

    orders: tuple[StorefrontOrder, ...] = ()
    order_ids: tuple[str, ...] = ()
    items: tuple[MisItem, ...] = ()

    @property
    def size(self) -> int:
        return len(self.orders) + len(self.order_ids)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: orders known before, not found, and taken in; of these, how they stand."""

    known: int = 0
    not_found: int = 0
    in_step: int = 0
    to_review: int = 0
    other: int = 0

    def __add__(self, more: Taken) -> Taken:
        return Taken(
            known=self.known + more.known,
            not_found=self.not_found + more.not_found,
            in_step=self.in_step + more.in_step,
            to_review=self.to_review + more.to_review,
            other=self.other + more.other,
        )
