"""What our own newest write means for the judgement: wait for it, trust only a later read, never bounce."""

from __future__ import annotations

from datetime import timedelta

import pytest
from core_space import AUTOMATIC, T0, command, facts, line

from countermand.core.command import Change, Outcome
from countermand.core.merge import merge
from countermand.core.status import Side
from countermand.core.tasks import TaskKind
from countermand.core.verdict import Ask

CANCELLED = facts("cancelled/none")


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_our_own_cancel_never_bounces_back_to_the_side_it_came_from(outcome: Outcome, verified: bool) -> None:
    """Cancelled in printIQ, written to Infigo, and re-opened in printIQ before the next look."""
    own = command(Side.STOREFRONT, Change.CANCEL, outcome, because=CANCELLED, verified=verified)
    verdict = merge(line("cancelled/none", "open/none", command=own), AUTOMATIC, T0)
    assert verdict == Ask("re-opened", TaskKind.RE_OPENED, "mis")


@pytest.mark.parametrize(
    ("storefront", "mis", "rule"),
    [("open/dispatched", "open/produced", "moved-back"), ("open/none", "open/dispatched", "moved-back")],
)
def test_a_verified_dispatch_that_is_undone_on_either_side_is_asked_about(
    storefront: str, mis: str, rule: str
) -> None:
    own = command(Side.STOREFRONT, Change.SHIP, because=facts("open/dispatched"), verified=True)
    assert merge(line(storefront, mis, command=own), AUTOMATIC, T0) == Ask(rule, TaskKind.MOVED_BACK)


def test_a_lagging_read_after_a_verified_cancel_writes_nothing() -> None:
    own = command(Side.STOREFRONT, Change.CANCEL, because=CANCELLED, verified=True)
    verdict = merge(line("open/none", "cancelled/none", command=own), AUTOMATIC, T0 + timedelta(hours=1))
    assert verdict == Ask("re-opened", TaskKind.RE_OPENED, "storefront")
