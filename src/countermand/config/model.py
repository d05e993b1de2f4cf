"""The set-up as read: one value that the whole program is put together from."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from countermand.access import Role
from countermand.app import Installation
from countermand.core.policy import Mode, Policy
from countermand.infigo import InfigoSettings
from countermand.outbound.destination import USUAL
from countermand.printiq import PrintIQSettings
from countermand.vendor_http.settings import setting

LogLevel = Literal["debug", "info", "warning", "error"]
FILE_NAME = "countermand.toml"
#: Hosts that nobody reaches from elsewhere.
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")

#: Nothing is written by itself until somebody says so, in any direction.
PRODUCTION = Policy(
    cancel_to_mis=Mode.MANUAL, cancel_to_storefront=Mode.MANUAL, ship_to_storefront=Mode.MANUAL
)


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """`[countermand]`: where things are kept and who may come in. Taken over at a start only."""

    #: `database` is a file name or an SQLAlchemy URL; a relative file name starts at the set-up file.
    database: Annotated[
        str,
        setting(
            "Where everything is kept: a file name, or the address of a PostgreSQL database; an address with "
            'a password comes from outside, as database = { env = "NAME" } or { file = "path" }.'
        ),
    ] = "countermand.db"
    host: Annotated[
        str,
        setting("Address to listen on; keep this one and put a web server with https before it."),
    ] = "127.0.0.1"
    port: Annotated[
        int, setting("Port to listen on: console, API and hook addresses.", least=1, most=65535)
    ] = 8100
    hosts: Annotated[
        tuple[str, ...],
        setting(
            'Names with a dot under which the console is reached, such as ["orders.example.com"]; under any '
            "other it does not answer."
        ),
    ] = ()
    log_level: Annotated[LogLevel, setting("What to log: `debug`, `info`, `warning` or `error`.")] = "info"

    def __repr__(self) -> str:
        return f"Server(host={self.host!r}, port={self.port})"  # the database's address may hold a password


Others = Literal["nobody", "viewer", "operator", "approver", "admin"]


class SignInTable(msgspec.Struct, frozen=True, kw_only=True):
    """`[sign_in]`: how people sign in, and who they are."""

    header: Annotated[
        str,
        setting(
            'Header in which the web server in front says who has signed in, such as "X-Forwarded-User"; '
            "empty: nobody signs in, and whoever reaches the console may act."
        ),
    ] = ""
    proxies: Annotated[
        tuple[str, ...],
        setting("Addresses from which that header is believed: those of the web server in front."),
    ] = ("127.0.0.1", "::1")
    others: Annotated[
        Others,
        setting(
            "What those may do who have signed in and are not among the people below: `nobody` keeps them "
            "out; else one of the roles."
        ),
    ] = "nobody"


class PersonTable(msgspec.Struct, frozen=True, kw_only=True):
    """`[sign_in.people."LOGIN"]`: one person, by what the header says of them."""

    name: Annotated[str, setting("Their name, as it stands in the journal beside what they do.")]
    role: Annotated[
        Role,
        setting(
            "`viewer` looks; `operator` deals with tasks and cancels; `approver` lets pass what a guard "
            "holds; `admin` also tries addresses and keys of new systems."
        ),
    ]


class DestinationTable(msgspec.Struct, frozen=True, kw_only=True):
    """`[tell.NAME]`: a program outside that is told what happens."""

    url: Annotated[str, setting("Address that messages are sent to, by https.")]
    secret: Annotated[
        str,
        setting(
            "Key that signs them, whsec_ and base64, by the Standard Webhooks specification.", secret=True
        ),
    ]
    events: Annotated[
        tuple[str, ...],
        setting("What to tell of: journal entries by their names, see docs/reference.md."),
    ] = tuple(event.value for event in USUAL)
    console: Annotated[
        str,
        setting(
            'Address under which people reach the console, such as "https://orders.example.com", for links; '
            "empty: none."
        ),
    ] = ""


class HookTokens(msgspec.Struct, frozen=True, kw_only=True):
    """`[connections.NAME.hook_tokens]`: the unguessable last part of the addresses that messages come to."""

    storefront: Annotated[
        str,
        setting(
            "Token in Infigo's webhook address, /hooks/storefront/TOKEN; none: no messages.", secret=True
        ),
    ] = ""
    mis: Annotated[
        str, setting("Token in printIQ's hook address, /hooks/mis/TOKEN; none: no messages.", secret=True)
    ] = ""


class ConnectionTable(msgspec.Struct, frozen=True, kw_only=True):
    """`[connections.NAME]`: which two systems are kept in step."""

    storefront: Annotated[str, setting("Which storefront: the NAME of an [infigo.NAME].")]
    mis: Annotated[str, setting("Which MIS: the NAME of a [printiq.NAME].")]
    live_since: Annotated[
        datetime | None,
        setting(
            "Orders placed since then are known to have begun alike on both sides, such as "
            "2026-10-01T08:00:00Z; `none` is the first start."
        ),
    ] = None


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """A valid set-up file.

    `watched`: the file and every key file it names; `fingerprint`: what all of these held when it was read.
    """

    file: Path
    server: Server
    installation: Installation
    storefronts: dict[str, InfigoSettings]
    mises: dict[str, PrintIQSettings]
    #: Connection name to the names of its storefront and its MIS.
    pairs: dict[str, tuple[str, str]]
    watched: tuple[Path, ...] = ()
    fingerprint: str = ""
    #: Line of every setting, by its dotted name.
    lines: dict[str, int] = {}

    @property
    def systems(self) -> dict[str, InfigoSettings | PrintIQSettings]:
        """Every system by its table in the file, such as `infigo.shop`."""
        storefronts = {f"infigo.{name}": one for name, one in self.storefronts.items()}
        return storefronts | {f"printiq.{name}": one for name, one in self.mises.items()}
