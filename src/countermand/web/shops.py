"""Which connections a page draws whole: all of a few; of many one that is named, or those in trouble."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from countermand.app import Running, Service
from countermand.ledger.finding import NoConnectionError

#: Of more than this one is named, not picked.
FEW_CONNECTIONS = 12


class Shown(msgspec.Struct, frozen=True):
    """`asked`: the one that the address names, if it does. `left_out`: how many are not drawn."""

    connections: list[Running]
    asked: str = ""
    left_out: int = 0


def shown_of(request: Request, service: Service) -> Shown:
    """Those that a page draws; of more than a few at most as many, what is in trouble first.

    Raises:
        NoConnectionError: the address names one that is not there.
    """
    asked, every = request.query_params.get("connection", ""), list(service.running.values())
    if asked:
        if asked not in service.running:
            raise NoConnectionError(asked)
        return Shown([service.running[asked]], asked, len(every) - 1)
    if len(every) <= FEW_CONNECTIONS:
        return Shown(every)
    drawn = sorted(every, key=lambda one: not one.trouble)[:FEW_CONNECTIONS]
    return Shown(drawn, left_out=len(every) - len(drawn))
