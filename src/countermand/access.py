"""Who may do what: roles, and the people whom a web server in front of Countermand lets in."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

import msgspec

#: Characters of a name, as it stands in the journal.
MOST_NAME = 60


class Role(StrEnum):
    """What somebody may do; each role may do all that those before it may."""

    #: Look at everything.
    VIEWER = "viewer"
    #: Deal with tasks, cancel, stop what waits, have orders read.
    OPERATOR = "operator"
    #: Let pass what a guard holds: the go-ahead of a task, the brake, orders of a first import.
    APPROVER = "approver"
    #: Try addresses and keys of new systems.
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        roles = list(Role)
        return roles.index(self) >= roles.index(other)


class Colleague(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in the set-up file. `name`: as the journal keeps it."""

    name: str
    role: Role


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """How people sign in: at a web server in front, which names them in a header of each request.

    `header`: empty where nobody signs in. `proxies`: addresses from which that header is believed.
    `people`: by what the header says, as `login_of` has it. `others`: the role of whoever is none of them;
    without one they are not let in.
    """

    header: str = ""
    proxies: frozenset[str] = frozenset()
    people: dict[str, Colleague] = {}
    others: Role | None = None


def login_of(text: str) -> str:
    """What a sign-in is known by: the same in upper and lower case, and however its accents are written."""
    return unicodedata.normalize("NFC", text.strip()).lower()


def looks_like(name: str) -> str:
    """The same for names that readers would take for each other."""
    return unicodedata.normalize("NFKC", name).casefold()
