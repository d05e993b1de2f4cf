"""An order as the screens show it: both systems side by side, line by line, in plain words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from countermand.app import Running
from countermand.bridge.case import Case, CaseItem, CaseLine, as_order
from countermand.bridge.ports import MisRef
from countermand.core.order import MisItemKind, OrderLine
from countermand.core.policy import Direction
from countermand.core.status import Facts, LineStatus, Unseen
from countermand.core.table import Decision, decide
from countermand.ledger import views
from countermand.ledger.views import OrderRow
from countermand.web import words
from countermand.web.whose import order_address

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "unknown"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A job or sales order that makes a line. `url`: where it is seen in the MIS, empty when unknown."""

    ref: str
    kind: str
    title: str
    status: str
    url: str
    linked_by: str
    shared: bool


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line, both sides. Statuses are the stored words (`open/started`); templates make them plain."""

    line_id: str
    name: str
    quantity: int | None
    kind: str
    storefront: str
    mis: str
    stands: str
    storefront_read_at: datetime
    mis_read_at: datetime | None
    storefront_trouble: str
    mis_trouble: str
    tracking_storefront: tuple[str, ...]
    tracking_mis: tuple[str, ...]
    items: tuple[Item, ...]
    rule: str
    why: str
    decided_at: datetime | None
    left_by: str
    left_because: str
    #: `why` is a whole sentence about this line, not only its rule's.
    explained: bool = False


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `storefront` and `mis` sum up its lines where they are all the same, else say "mixed"."""

    id: int
    connection: str
    number: str
    state: str
    urgency: int | None
    customer: str
    po_number: str
    payment: str
    total: str
    placed_at: datetime | None
    changed_at: datetime
    title: str
    storefront: str
    mis: str
    stands: str
    jobs: tuple[str, ...]
    lines: tuple[LineView, ...]
    url: str

    @property
    def address(self) -> str:
        """Where the console shows it."""
        return order_address(self.connection, self.number)


def order_view(row: OrderRow, running: Running | None) -> OrderView:
    case = row.case
    lines = tuple(_lines(case, running))
    names = names_of(running)
    return OrderView(
        id=row.id,
        connection=row.connection,
        number=row.order,
        state=row.state,
        urgency=row.urgency,
        customer=row.customer,
        po_number=row.po_number,
        payment=case.payment.value,
        total=case.total,
        placed_at=row.placed_at,
        changed_at=row.changed_at,
        title=_title(lines),
        storefront=_together([line.storefront for line in lines]),
        mis=_together([line.mis for line in lines]),
        stands=_worst([line.stands for line in lines]),
        jobs=tuple(dict.fromkeys(item.ref for line in lines for item in line.items)),
        lines=tuple(msgspec.structs.replace(line, why=names.named(line.why)) for line in lines),
        url=running.storefront.order_url(row.order) if running else "",
    )


def brakes_of(database: Connection, connection: str) -> frozenset[Direction]:
    """Directions whose brake is on in one connection."""
    on = views.brakes_on(database)
    return frozenset(Direction(brake.direction) for brake in on if brake.connection == connection)


def names_of(running: Running | None) -> words.Names:
    if running is None:
        return words.Names()
    connection = running.bridge.connection
    return words.Names(connection.storefront_name, connection.mis_name)


def _lines(case: Case, running: Running | None) -> Iterable[LineView]:
    known = {line.line_id: line for line in case.lines}
    for entry in as_order(case, live_since=None).lines:
        yield _line(case, known[entry.line_id], entry, running)


def _line(case: Case, line: CaseLine, entry: OrderLine, running: Running | None) -> LineView:
    items = [(item, link) for link in line.links if (item := case.item(link.ref)) is not None]
    settled = line.settlement if line.rule == "settled" else None
    return LineView(
        line_id=line.line_id,
        name=line.name or next((item.title for item, _ in items if item.title), ""),
        quantity=line.quantity,
        kind=line.kind.value if line.kind else "",
        storefront=str(line.storefront.status),
        mis=str(entry.line.mis.status) if not _trouble(items) else _last_good(items),
        stands=stands(entry.line.storefront.status, entry.line.mis.status),
        storefront_read_at=line.storefront.began_at,
        mis_read_at=min((item.mis.began_at for item, _ in items), default=None),
        storefront_trouble=line.storefront.unreadable_reason if line.storefront.unreadable_since else "",
        mis_trouble=_trouble(items),
        tracking_storefront=tuple(sorted(line.storefront.tracking)),
        tracking_mis=tuple(sorted(frozenset().union(*(item.mis.tracking for item, _ in items)))),
        items=tuple(_item(item, link.by, running) for item, link in items),
        rule=line.rule,
        why=words.why(line.rule) if line.rule else "Not compared yet.",
        decided_at=line.decided_at,
        left_by=settled.by if settled else "",
        left_because=settled.reason if settled else "",
    )


def _trouble(items: Sequence[tuple[CaseItem, object]]) -> str:
    return next((item.mis.unreadable_reason for item, _ in items if item.mis.unreadable_since), "")


def _last_good(items: Sequence[tuple[CaseItem, object]]) -> str:
    return _together([str(item.mis.status) for item, _ in items])


def _item(item: CaseItem, by: str, running: Running | None) -> Item:
    ref = MisRef(ref=item.ref, kind=item.kind, group=item.group)
    return Item(
        ref=item.ref,
        kind="sales order" if item.kind is MisItemKind.SALES_ORDER else "job",
        title=item.title,
        status=str(item.reading().status),
        url=running.mis.item_url(ref) if running else "",
        linked_by=by,
        shared=item.shared,
    )


def stands(storefront: LineStatus, mis: LineStatus) -> str:
    """Whether the two sides agree; unknown where one of them cannot be judged or is not there yet."""
    if not isinstance(storefront, Facts) or not isinstance(mis, Facts | Unseen):
        return UNKNOWN
    decision = decide(storefront, mis).decision
    if decision is Decision.IN_STEP:
        return AGREES
    return UNKNOWN if decision in (Decision.WAIT, Decision.NOT_OURS) else DIFFERS


def _worst(each: Sequence[str]) -> str:
    return next((state for state in (DIFFERS, UNKNOWN, AGREES) if state in each), UNKNOWN)


def _together(statuses: Sequence[str]) -> str:
    distinct = set(statuses)
    if not distinct:
        return "unseen"
    return distinct.pop() if len(distinct) == 1 else "mixed"


def _title(lines: Sequence[LineView]) -> str:
    """`Business cards × 250 and 2 more`."""
    if not lines:
        return "No lines"
    first = lines[0]
    name = first.name or f"Line {first.line_id}"
    quantity = f" × {first.quantity:,}" if first.quantity else ""
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{name}{quantity}{more}"
