"""The demo's settings, and sample orders at every stage of their life."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from countermand.bridge.connection import Polling
from countermand.core.policy import Mode
from countermand.demo.stage import Stage
from countermand.demo.world import DEMO_POLICY, NotSeenError, World, WorldSettings, wait_until

#: So short that even with no message everything is noticed while one watches.
_POLLING = Polling(
    interval=timedelta(seconds=3), slowest=timedelta(seconds=3), sweep_grace=timedelta(seconds=2)
)


def world_settings(mode: str, port_base: int | None, seed: int) -> WorldSettings:
    """The demo's world in one of the modes automatic, manual or observe."""
    chosen = Mode(mode)
    policy = replace(DEMO_POLICY, cancel_to_mis=chosen, cancel_to_storefront=chosen)
    if chosen is Mode.OBSERVE:
        policy = replace(policy, ship_to_storefront=chosen)
    return WorldSettings(policy=policy, polling=_POLLING, port_base=port_base, seed=seed)


#: Production status ids given in turn, so that the board shows work at several stages (0: left as it is).
_STAGES = (0, 23, 4, 0, 24, 20, 0, 6)


def fill(world: World, count: int) -> None:
    """Place sample orders, move some of their jobs along, and wait until the console shows every one."""
    if not count:
        return
    stage = Stage(world)
    placed = world.post(world.infigo, "/_sim/orders", {"count": count})["orders"]
    for index, order in enumerate(placed):
        status = _STAGES[index % len(_STAGES)]
        link = _link(world, str(order["Id"]), len(order["OrderLineItems"]))
        for job in link["jobs"] if status else ():
            stage.set_status(job, status)
    for order in placed:
        number = str(order["Id"])
        wait_until(f"order {number} to show in the console", partial(stage.known, number))


def _link(world: World, order_id: str, lines: int) -> dict[str, list[str]]:
    def look() -> dict[str, list[str]] | None:
        link: dict[str, list[str]] = world.get(world.printiq, f"/_sim/link?order={order_id}")
        return link if len(link["jobs"]) + len(link["salesorders"]) >= lines else None

    try:
        found: dict[str, list[str]] = wait_until(f"order {order_id} to reach printIQ", look)
    except NotSeenError:
        return {"jobs": [], "salesorders": []}
    return found
