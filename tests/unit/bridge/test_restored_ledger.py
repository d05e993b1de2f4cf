"""A ledger that was put back from an older copy: the systems know more, and nothing is written again."""

from __future__ import annotations

from pathlib import Path

from bridge_fakes import AT_ONCE, Small, run
from test_outage_hour import POLLING, cancelled_in_mis, go_on, job

from countermand.ledger.backup import back_up
from countermand.ledger.engine import open_engine
from countermand.ledger.inspection import inspect
from countermand.ledger.upgrade import upgrade


def test_what_was_done_since_the_copy_is_found_done(tmp_path: Path) -> None:
    async def story() -> None:
        engine = open_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
        upgrade(engine)
        small = Small(AT_ONCE, POLLING, engine)
        for order in ("10001", "10002", "10003"):
            await small.in_production(order)
        small.mis.writes.clear()
        back_up(tmp_path / "ledger.db", tmp_path / "copy.db")
        small.storefront.cancel_by_hand("10001")
        small.mis.cancel_by_hand(job("10002"))
        await go_on(small, 15)
        done = (list(small.mis.writes), list(small.storefront.writes))
        assert (len(done[0]), len(done[1])) == (1, 1)

        older = open_engine(f"sqlite:///{tmp_path / 'copy.db'}")
        again = Small(AT_ONCE, POLLING, older)
        again.clock, again.storefront, again.mis = small.clock, small.storefront, small.mis
        again.connect(AT_ONCE, POLLING)
        assert again.state("10001") == "in_step"
        small.storefront.cancel_by_hand("10003")
        await go_on(again, 15)
        assert again.mis.writes == [*done[0], job("10003")], "only what is new"
        assert again.storefront.writes == done[1]
        assert cancelled_in_mis(again, "10003")
        assert {again.state(order) for order in ("10001", "10002", "10003")} == {"in_step"}
        assert [task for task in again.tasks() if task.state == "open"] == []
        assert inspect(older) == []
        engine.dispose()
        older.dispose()

    run(story())
