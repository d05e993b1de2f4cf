"""What a scenario is, and the usual settings of its world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from countermand.core.policy import Mode, Policy
from countermand.demo.stage import Stage
from countermand.demo.world import DEMO_POLICY, NEVER, WorldSettings

#: Both cancels travel by themselves, with the demo's short waits.
AUTOMATIC: Policy = replace(DEMO_POLICY, cancel_to_mis=Mode.AUTOMATIC, cancel_to_storefront=Mode.AUTOMATIC)
#: The guide's procedure: people do it, Countermand keeps track.
MANUAL: Policy = DEMO_POLICY
#: The same with nothing to wait for, where waiting is not what is shown.
AT_ONCE: Policy = replace(AUTOMATIC, undo_window=timedelta(0), vendor_grace=timedelta(0))


def observing() -> Policy:
    """Nothing is written in any direction."""
    return replace(
        DEMO_POLICY,
        cancel_to_mis=Mode.OBSERVE,
        cancel_to_storefront=Mode.OBSERVE,
        ship_to_storefront=Mode.OBSERVE,
    )


#: Messages only: no polling, so that each call in the report belongs to the change.
BY_HOOK = WorldSettings(policy=AUTOMATIC, polling=NEVER)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A named story with the world it plays in. `title` is one plain sentence."""

    name: str
    title: str
    play: Callable[[Stage], None]
    world: WorldSettings = BY_HOOK
