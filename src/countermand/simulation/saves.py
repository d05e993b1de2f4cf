"""Every save, held against the version before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countermand.bridge.case import Case, Written
from countermand.bridge.store import Change, StoredCase
from countermand.bridge.verification import verified_since
from countermand.core.command import Change as WriteChange
from countermand.core.status import Side
from countermand.simulation.invariants import EXPLAINED, NO_OLD_NEWS, VERDICT
from countermand.simulation.watch import Violation, Watch


def check_save(
    watch: Watch, before: Mapping[str, StoredCase], changes: Sequence[Change], saved: Mapping[str, StoredCase]
) -> None:
    """Hold each stored version against the one before it."""
    for change in changes:
        stored = saved.get(change.case.order_id)
        if stored is None:
            continue
        was = before.get(change.case.order_id)
        if was is not None and stored.version != was.version + 1:
            raise Violation(
                NO_OLD_NEWS, f"order {stored.case.order_id}", "a version was left out or used twice"
            )
        _check_order_of_reads(watch, was.case if was else None, stored.case)
        _check_verdicts(was.case if was else None, stored.case, change)
        _check_proofs(watch, was.case if was else None, stored.case)


def _check_order_of_reads(watch: Watch, was: Case | None, case: Case) -> None:
    if was is None or watch.clock_set_back:
        return
    for line in case.lines:
        old = was.line(line.line_id)
        if old is not None and line.storefront.began_at < old.storefront.began_at:
            raise Violation(
                NO_OLD_NEWS, f"order {case.order_id}", f"an older read of {line.line_id} was taken"
            )
    for item in case.items:
        known = was.item(item.ref)
        if known is not None and item.mis.began_at < known.mis.began_at:
            raise Violation(NO_OLD_NEWS, f"order {case.order_id}", f"an older read of {item.ref} was taken")


def _check_verdicts(was: Case | None, case: Case, change: Change) -> None:
    """A status that is new is recorded as a sighting, and every line has a verdict."""
    recorded = {(sighting.side, sighting.ref): sighting.after for sighting in change.sightings}
    for line in case.lines:
        old = was.line(line.line_id) if was else None
        new = line.storefront.reading().status
        if (old is None or old.storefront.reading().status != new) and (
            recorded.get((Side.STOREFRONT, line.line_id)) != new
        ):
            raise Violation(VERDICT, f"order {case.order_id}", f"{line.line_id} is {new}: no sighting of it")
        if not line.rule or line.decided_at is None:
            raise Violation(VERDICT, f"order {case.order_id}", f"{line.line_id} is {new}: no verdict")
    for item in case.items:
        known = was.item(item.ref) if was else None
        shown = item.reading().status
        if (known is None or known.reading().status != shown) and recorded.get((Side.MIS, item.ref)) != shown:
            raise Violation(VERDICT, f"order {case.order_id}", f"{item.ref} is {shown}: no sighting of it")


def _check_proofs(watch: Watch, was: Case | None, case: Case) -> None:
    """What is called verified is so, by the storefront's own state: nothing is ever taken back there."""
    for written in verified_since(was, case):
        cancels = written.command.change is WriteChange.CANCEL and written.command.target is Side.STOREFRONT
        if cancels and not _is_cancelled(watch, case.order_id, written):
            what = f"{written.id}: verified, and the storefront does not show it"
            raise Violation(EXPLAINED, f"order {case.order_id}", what)


def _is_cancelled(watch: Watch, order_id: str, written: Written) -> bool:
    order = watch.shop.orders[order_id]
    lines = not written.whole_order and all(order.line(line_id).cancelled for line_id in written.line_ids)
    return order.cancelled or lines
