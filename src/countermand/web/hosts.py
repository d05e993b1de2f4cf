"""Which names Countermand answers to.

Whoever owns a name can point it at this machine. To a browser a page of theirs is then of the same origin as
the console: without this it could read every order and act, although only this machine reaches the port.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_MISDIRECTED = 421


class Hosts:
    """Refuses what is sent to a name of somebody else; messages have an address that nobody guesses."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(name.rstrip(".").lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        if answers_to(host, self._names) or scope["path"].startswith("/hooks/"):
            await self._app(scope, receive, send)
            return
        why = (
            f"Countermand does not answer to the name {host[:100]}. If people are to reach it by that name, "
            "add it to countermand.hosts in the set-up file."
        )
        await JSONResponse({"error": why}, _MISDIRECTED)(scope, receive, send)


def answers_to(host: str, names: frozenset[str]) -> bool:
    """Whether a `Host` names this machine: by address, by a name without dots, or by one of `names`."""
    try:
        parts = urlsplit(f"//{host}")
        name = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    if "@" in host or " " in host:
        return False
    return "." not in name or name in names or name.endswith(".localhost") or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
