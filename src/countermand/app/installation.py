"""What one process serves, as set up."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import msgspec

from countermand.access import SignIn
from countermand.bridge.connection import Polling
from countermand.core.policy import Policy
from countermand.core.rules import Override
from countermand.core.status import Side
from countermand.infigo import InfigoSettings
from countermand.outbound.destination import Destination
from countermand.printiq import PrintIQSettings


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One connection as set up: two systems and the rules between them.

    `live_since`: none means from the first start on. `hook_tokens`: the unguessable part of each side's
    hook address. `overrides`: for which orders the policy differs, and how.
    """

    name: str
    infigo: InfigoSettings
    printiq: PrintIQSettings
    policy: Policy = Policy()
    overrides: tuple[Override, ...] = ()
    polling: Polling = Polling()
    live_since: datetime | None = None
    hook_tokens: dict[Side, str] = {}

    def __repr__(self) -> str:
        return f"ConnectionSettings({self.name!r})"  # the tokens are secrets


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one process serves. `database` is an SQLAlchemy URL.

    `banner`: a sentence that the console shows on its first page, such as what a demonstration does.
    """

    database: str
    connections: tuple[ConnectionSettings, ...] = ()
    banner: str = ""
    sign_in: SignIn = SignIn()
    destinations: tuple[Destination, ...] = ()

    def __repr__(self) -> str:
        return f"Installation({list(self.connections)!r})"  # the address may hold a password


def siblings(installation: Installation) -> dict[str, dict[str, InfigoSettings]]:
    """By connection, the others of its MIS, and their storefronts: each numbers its orders for itself."""
    sharing = defaultdict(list)
    for one in installation.connections:
        sharing[one.printiq.base_url.rstrip("/").casefold()].append(one)
    return {
        one.name: {other.name: other.infigo for other in each if other.name != one.name}
        for each in sharing.values()
        for one in each
    }
