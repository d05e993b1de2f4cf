"""Letting in those whom the web server in front has signed in, under the name and role of the set-up file.

Countermand keeps no passwords. The header that names somebody is believed only from that server's own
address, so whoever else reaches the port is nobody. Messages have addresses that nobody guesses, and the
health page is for monitors: both stay open.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from countermand.access import MOST_NAME, Role, SignIn, login_of, looks_like
from countermand.bridge.store import ITSELF
from countermand.web.console import problem_page
from countermand.web.pages import STATIC_PREFIX
from countermand.web.person import Person, clean_name
from countermand.web.problem import Problem

_OPEN = ("/hooks/", f"{STATIC_PREFIX}/")
_HEALTH = "/health"
_NOT_SIGNED_IN = 401
#: What is sent as a form and changes nothing: how pages look to the one who asks, and a check of the journal.
_LOOKS = ("/you/theme", "/journal/verify")


class SignedIn:
    """Notes who asks, and refuses who may not; where nobody signs in, everybody may do everything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not (scope["path"].startswith(_OPEN) or scope["path"] == _HEALTH):
            request = Request(scope, receive)
            sign_in: SignIn = scope["app"].state.service.installation.sign_in
            try:
                _let_in(request, sign_in)
            except Problem as problem:
                await problem_page(request, problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _let_in(request: Request, sign_in: SignIn) -> None:
    if not sign_in.header:
        return
    person = _who(request, sign_in)
    request.state.signed_in = person
    looks = request.method in ("GET", "HEAD") or request.url.path in _LOOKS
    if not looks and not person.role.includes(Role.OPERATOR):
        raise Problem(403, f"You are signed in as {person.name}, who may look and not act.")


def _who(request: Request, sign_in: SignIn) -> Person:
    """The person whom the web server in front names.

    Raises:
        Problem: it names nobody, or nobody who may come in, or the request does not come from there.
    """
    if request.client is None or request.client.host not in sign_in.proxies:
        raise Problem(_NOT_SIGNED_IN, "Please come in through the web server at which people sign in.")
    said = [_as_text(value).strip() for value in request.headers.getlist(sign_in.header)]
    if len(said) != 1 or not said[0]:
        raise Problem(_NOT_SIGNED_IN, "Nobody is signed in: the web server in front did not say who this is.")
    login = login_of(said[0])
    if (known := sign_in.people.get(login)) is not None:
        return Person(known.name, known.role)
    name = clean_name(login)
    if sign_in.others is None or not name or looks_like(name) in _taken(sign_in):
        raise Problem(403, f"{name or 'This sign-in'} is not among the people in Countermand's set-up file.")
    if len(login) > MOST_NAME:
        raise Problem(
            403,
            f"{name}… is too long a name for the journal: list this sign-in in Countermand's set-up file.",
        )
    return Person(name, sign_in.others)


def _as_text(value: str) -> str:
    """Headers are read letter by letter from bytes; web servers write names in UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _taken(sign_in: SignIn) -> set[str]:
    """Names that stand for somebody else in the journal: those of the people, and our own."""
    return {looks_like(each.name) for each in sign_in.people.values()} | {ITSELF}
