from datetime import UTC, datetime

from countermand.simulators.kit import WriteLedger


def test_entries_keep_the_order_of_arrival() -> None:
    ledger = WriteLedger(clock=lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))
    ledger.record("RunEvent", "J1-01", "cancelled", {"ProdStatusID": 17})
    ledger.record("RunEvent", "J1-01", "already cancelled")
    assert ledger.entries() == [
        {
            "seq": 1,
            "at": "2026-11-23T09:00:00+00:00",
            "call": "RunEvent",
            "target": "J1-01",
            "effect": "cancelled",
            "detail": {"ProdStatusID": 17},
        },
        {
            "seq": 2,
            "at": "2026-11-23T09:00:00+00:00",
            "call": "RunEvent",
            "target": "J1-01",
            "effect": "already cancelled",
            "detail": {},
        },
    ]
    assert [entry["seq"] for entry in ledger.since(1)] == [2]
