"""`[sign_in]`: how people sign in, and who they are."""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import ip_address

from countermand.access import MOST_NAME, Colleague, Role, SignIn, login_of, looks_like
from countermand.bridge.store import ITSELF
from countermand.config.document import Document, dotted
from countermand.config.lines import Place
from countermand.config.model import PersonTable, SignInTable
from countermand.config.problems import shown
from countermand.config.specs import PERSON, SIGN_IN

_PLACE = ("sign_in",)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
#: They say nothing of who has signed in, and one of them holds passwords, which the journal would keep.
_OF_BROWSERS = frozenset({"authorization", "cookie", "from", "host", "origin", "referer", "user-agent"})


def read_sign_in(document: Document, values: object) -> SignIn:
    table = dict(document.table(_PLACE, values))
    people = document.table((*_PLACE, "people"), table.pop("people", {}))
    read = document.build(_PLACE, SignInTable, table, SIGN_IN)
    known = _people(document, people)
    if read is None:
        return SignIn()
    if read.header and not _HEADER.fullmatch(read.header):
        document.wrong(
            (*_PLACE, "header"), f"sign_in.header is {shown(read.header)}, which is no name of a header"
        )
    if read.header.lower() in _OF_BROWSERS:
        document.wrong(
            (*_PLACE, "header"), f"sign_in.header is {shown(read.header)}, which browsers send themselves"
        )
    proxies = [_address(document, text) for text in read.proxies]
    if read.header and not proxies:
        document.wrong(
            (*_PLACE, "proxies"),
            "sign_in lets nobody in: sign_in.proxies names no address from which the header is believed",
        )
    if known and not read.header:
        document.wrong(
            _PLACE, "sign_in.people lists people, and sign_in.header does not say how they sign in"
        )
    if read.others != "nobody" and not read.header:
        document.wrong(
            (*_PLACE, "others"),
            "sign_in.others says what others may do, and sign_in.header does not say how they sign in",
        )
    if read.header and not known and read.others == "nobody":
        document.wrong(_PLACE, "sign_in lets nobody in: list people, or say what `others` may do")
    return SignIn(
        header=read.header,
        proxies=frozenset(proxies),
        people=known,
        others=None if read.others == "nobody" else Role(read.others),
    )


def _people(document: Document, tables: dict[str, object]) -> dict[str, Colleague]:
    """By what the header says. Two of one name could pass for each other's second person."""
    people: dict[str, Colleague] = {}
    for login, values in tables.items():
        place = (*_PLACE, "people", login)
        person = document.build(place, PersonTable, document.table(place, values), PERSON)
        if person is None:
            continue
        name = " ".join(person.name.split())
        if not name or not name.isprintable() or len(name) > MOST_NAME:
            _wrong_name(document, place, f"must be a name of at most {MOST_NAME} characters")
        if looks_like(name) == ITSELF:
            _wrong_name(document, place, f"is {shown(name)}: what Countermand does by itself stands under it")
        if login_of(login) in people:
            document.wrong(place, f"{dotted(place)} is there twice, but for upper and lower case")
        people[login_of(login)] = Colleague(name=name, role=person.role)
    names = Counter(looks_like(person.name) for person in people.values())
    for login, person in people.items():
        if names[looks_like(person.name)] > 1:
            _wrong_name(
                document, (*_PLACE, "people", login), f"is {shown(person.name)}, as another person's is"
            )
    return people


def _wrong_name(document: Document, place: Place, what: str) -> None:
    document.wrong((*place, "name"), f"{dotted((*place, 'name'))} {what}")


def _address(document: Document, text: str) -> str:
    """As a connection shows it, however it is written in the file."""
    try:
        address = ip_address(text)
    except ValueError:
        document.wrong(
            (*_PLACE, "proxies"), f"sign_in.proxies has {shown(text)}, which is no address of a machine"
        )
        return text
    return str(getattr(address, "ipv4_mapped", None) or address)
