"""Messages as they came: on disk before anybody is told that they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from countermand.core.status import Side
from countermand.ledger.prepared import Prepared
from countermand.ledger.schema import inbox

_RECEIVE = Prepared(insert(inbox), "connection", "side", "received_at", "content_type", "body", "state")


def receive(
    database: Connection,
    connections: Sequence[str],
    side: Side,
    content_type: str,
    body: bytes,
    now: datetime,
) -> None:
    """Store one message for every connection that its system serves."""
    rows = [
        {
            "connection": name,
            "side": side.value,
            "received_at": now,
            "content_type": content_type,
            "body": body,
            "state": "new",
        }
        for name in connections
    ]
    _RECEIVE.run_many(database, rows)
