"""The tables. What each is for stands above it; a column says more only where its name does not."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from countermand.bridge.case import Case
from countermand.bridge.ports import MisItem
from countermand.ledger.columns import Json, Moment, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives ids by itself only to a column of type INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")


# One storefront and one MIS that are kept in step.
connection = Table(
    "connection",
    metadata,
    Column("name", Words(64), primary_key=True),
    Column("live_since", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
)

# A storefront order: its case file, and beside it what lists and searches need.
orders = Table(
    "orders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("connection", Words(64), ForeignKey("connection.name"), nullable=False),
    Column("order_ref", Words(64), nullable=False),
    Column("version", Integer, nullable=False),
    # When somebody should look at it again; none: only when something is heard of it.
    Column("due_at", Moment),
    Column("state", Words(16), nullable=False),
    Column("urgency", Integer),
    Column("customer", Words(), nullable=False, server_default=""),
    Column("po_number", Words(), nullable=False, server_default=""),
    Column("placed_at", Moment),
    Column("first_seen_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("in_step_at", Moment),
    Column("case_file", Json(Case), nullable=False),
    UniqueConstraint("connection", "order_ref"),
    Index(None, "connection", "due_at"),
    # Sweeps go through a connection's orders in this order.
    Index(None, "connection", "id"),
    # Lists, newest change first: of everything, of one state, of one customer.
    Index(None, "changed_at", "id"),
    Index(None, "state", "changed_at", "id"),
    Index(None, "customer", "changed_at", "id"),
)

# Every number that leads to an order: line ids, job and sales order numbers, quotes, PO, tracking codes.
reference = Table(
    "reference",
    metadata,
    Column("connection", Words(64), primary_key=True),
    Column("kind", Words(16), primary_key=True),
    Column("value", Words(128, by_bytes=True), primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Index(None, "value"),
    Index(None, "order_id"),
)

# Jobs and sales orders that were seen and belong to no order yet. Most are no web orders at all.
unlinked_item = Table(
    "unlinked_item",
    metadata,
    Column("connection", Words(64), primary_key=True),
    Column("ref", Words(64), primary_key=True),
    Column("customer_reference", Words(128), nullable=False),
    Column("external_reference", Words(128), nullable=False),
    Column("item", Json(MisItem), nullable=False),
    Column("first_seen_at", Moment, nullable=False),
    Index(None, "connection", "customer_reference"),
    Index(None, "connection", "external_reference"),
)

# Messages as they came, stored before they are acknowledged.
inbox = Table(
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("connection", Words(64), nullable=False),
    Column("side", Words(16), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("content_type", Words(), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("state", Words(16), nullable=False),
    Column("reason", Words(), nullable=False, server_default=""),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("due_at", Moment),
    Index(None, "connection", "state", "due_at"),
    Index(None, "connection", "received_at"),
)

# What a system showed anew: one row per change of what was read, with the raw answer.
sighting = Table(
    "sighting",
    metadata,
    Column("id", Id, primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("side", Words(16), nullable=False),
    Column("ref", Words(64), nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("before", Words(), nullable=False),
    Column("after", Words(), nullable=False),
    Column("raw", Words(), nullable=False, server_default=""),
    Index(None, "order_id"),
)

# Every write of ours: stored as sent before the call is made. Its id begins with the order's number, which
# another connection's order may have too.
command = Table(
    "command",
    metadata,
    Column("connection", Words(64), primary_key=True),
    Column("id", Words(64), primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("target", Words(16), nullable=False),
    Column("change", Words(16), nullable=False),
    Column("about", Words(), nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("outcome", Words(16)),
    Column("said", Words(), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False),
    Column("verified_at", Moment),
    Index(None, "order_id"),
    Index(None, "verified_at"),
)

# One cancellation of an order in one direction, with its life; the brake counts these.
cancellation = Table(
    "cancellation",
    metadata,
    Column("connection", Words(64), primary_key=True),
    Column("id", Words(64), primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), nullable=False),
    Column("direction", Words(32), nullable=False),
    Column("state", Words(16), nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("released_by", Words(), nullable=False, server_default=""),
    Index(None, "order_id"),
    Index(None, "connection", "direction", "requested_at"),
)

# The mass-cancel brake, each time it trips.
brake = Table(
    "brake",
    metadata,
    Column("id", Id, primary_key=True),
    Column("connection", Words(64), nullable=False),
    Column("direction", Words(32), nullable=False),
    Column("tripped_at", Moment, nullable=False),
    Column("because", Words(), nullable=False),
    Column("cleared_at", Moment),
    Column("cleared_by", Words(), nullable=False, server_default=""),
    Column("reason", Words(), nullable=False, server_default=""),
    Index(None, "connection", "direction", "cleared_at"),
)

# Work for people. `group_key` joins what is one question for many orders; an order's own task has
# its order in it. At most one open task per key.
task = Table(
    "task",
    metadata,
    Column("id", Id, primary_key=True),
    Column("connection", Words(64), nullable=False),
    Column("group_key", Words(255), nullable=False),
    Column("kind", Words(32), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("owner", Words(32), nullable=False),
    Column("because", Words(), nullable=False),
    Column("detail", Words(), nullable=False, server_default=""),
    Column("line_ids", Words(), nullable=False, server_default=""),
    Column("assisted", Boolean, nullable=False, server_default=text("false")),
    Column("opened_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("state", Words(16), nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", Words(), nullable=False, server_default=""),
    Column("closed_how", Words(16), nullable=False, server_default=""),
    Column("close_reason", Words(), nullable=False, server_default=""),
    Column("assigned_to", Words(), nullable=False, server_default=""),
    Column("snoozed_until", Moment),
    Column("returned", Integer, nullable=False, server_default="0"),
    Column("last_check", Words(), nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    # Who last did something about it, what and when: told to somebody who acts on an older picture.
    Column("touched_by", Words(), nullable=False, server_default=""),
    Column("touched_how", Words(), nullable=False, server_default=""),
    Column("touched_at", Moment),
    Index("one_open_task_per_key", "connection", "group_key", unique=True,
          sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    Index(None, "state", "urgency", "opened_at"),
)  # fmt: skip

# Which orders a task is about.
task_order = Table(
    "task_order",
    metadata,
    Column("task_id", Id, ForeignKey("task.id"), primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Index(None, "order_id"),
)

# Most entries are the program's own; what people did is looked for by their names.
BY_PEOPLE = text("actor <> 'countermand'")

# What happened, for ever: each entry carries the hash of the one before it in its chain.
journal = Table(
    "journal",
    metadata,
    Column("chain", Words(64), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("event", Words(32), nullable=False),
    Column("actor", Words(), nullable=False),
    Column("subject", Words(128, by_bytes=True), nullable=False),
    Column("body", Words(), nullable=False),
    # The hash of who and what, so that both can be erased and the chain still holds.
    Column("content", Words(64), nullable=False),
    Column("prev", Words(64), nullable=False),
    Column("hash", Words(64), nullable=False),
    Index(None, "chain", "subject"),
    Index(None, "at", "chain", "seq"),
    Index(None, "event", "at", "chain", "seq"),
    Index(
        "journal_of_people", "actor", "at", "chain", "seq", sqlite_where=BY_PEOPLE, postgresql_where=BY_PEOPLE
    ),
)

# The end of each chain; its row is what serialises writers.
journal_head = Table(
    "journal_head",
    metadata,
    Column("chain", Words(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Words(64), nullable=False),
)

# How far in each chain of the journal a destination outside has been told of what happened.
told = Table(
    "told",
    metadata,
    Column("destination", Words(64), primary_key=True),
    Column("chain", Words(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

# How far listing a system has come.
watermark = Table(
    "watermark",
    metadata,
    Column("connection", Words(64), primary_key=True),
    Column("name", Words(32), primary_key=True),
    Column("reached", Moment, nullable=False),
)

# One run over all orders of a connection, each read by id in both systems. `position` is the `orders.id`
# that it has come to; it ends at `last`. `seconds` is time at work, without pauses between two processes.
sweep = Table(
    "sweep",
    metadata,
    Column("id", Id, primary_key=True),
    Column("connection", Words(64), ForeignKey("connection.name"), nullable=False),
    Column("state", Words(16), nullable=False),
    Column("by", Words(), nullable=False),
    # Why it ended as it did, where that is no matter of course.
    Column("reason", Words(), nullable=False, server_default=""),
    # Only orders that changed since then, or that are looked at anyway; none: all.
    Column("since", Moment),
    Column("started_at", Moment, nullable=False),
    Column("moved_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("position", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("total", Integer, nullable=False),
    Column("compared", Integer, nullable=False, server_default="0"),
    Column("agreed", Integer, nullable=False, server_default="0"),
    Column("differing", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("seconds", Float, nullable=False, server_default="0"),
    Index("one_running_sweep", "connection", unique=True,
          sqlite_where=text("state = 'running'"), postgresql_where=text("state = 'running'")),
    Index(None, "connection", "started_at"),
    Index(None, "started_at", "id"),
)  # fmt: skip

# What a sweep did not find in step: orders that differ, and those it left alone, with the reason.
sweep_finding = Table(
    "sweep_finding",
    metadata,
    Column("sweep_id", Id, ForeignKey("sweep.id"), primary_key=True),
    Column("order_id", Id, ForeignKey("orders.id"), primary_key=True),
    Column("kind", Words(16), nullable=False),
    Column("why", Words(), nullable=False),
    # Nobody knew of it before this sweep.
    Column("is_new", Boolean, nullable=False),
    Index(None, "order_id"),
    Index(None, "sweep_id", "kind"),
)
