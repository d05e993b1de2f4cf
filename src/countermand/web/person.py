"""Who is acting: whoever has signed in, or where nobody does, a name that a person enters once.

The second half guards forms: what a page of ours did not send out is not taken in.
"""

from __future__ import annotations

import hmac
import re
import secrets
from urllib.parse import quote, unquote, urlsplit

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from countermand.access import MOST_NAME, Role
from countermand.web.problem import Problem

_NAME_COOKIE = "countermand_name"
_FORM_COOKIE = "countermand_form"
_FORM_FIELD = "_form"
_YEAR = 365 * 24 * 3600
MOST_REASON = 1000
#: Characters that no reason needs: controls but for tabs and line ends, and what turns the reading direction.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Person(msgspec.Struct, frozen=True):
    """Somebody who may act. `name` is what the journal keeps."""

    name: str
    role: Role = Role.ADMIN

    @property
    def approves(self) -> bool:
        """Whether they may let pass what a guard holds."""
        return self.role.includes(Role.APPROVER)


def signed_in(request: Request) -> Person | None:
    """Whom the web server in front has signed in; none where nobody signs in."""
    person: Person | None = getattr(request.state, "signed_in", None)
    return person


def acting(request: Request) -> Person | None:
    """The person behind a request, if they may act and have said who they are."""
    if (person := signed_in(request)) is not None:
        return person if person.role.includes(Role.OPERATOR) else None
    name = clean_name(unquote(request.cookies.get(_NAME_COOKIE, "")))
    return Person(name) if name else None


def clean_name(name: str) -> str:
    """One line of printable text, without blanks around it."""
    kept = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(kept.split())[:MOST_NAME]


def clean_reason(text: str) -> str:
    """What somebody wrote, in its own lines, without characters that nobody sees."""
    return _UNREADABLE.sub("", text).strip()


def reason_in(form: FormData) -> str:
    """The reason that a form gives; empty when it gives none."""
    return clean_reason(str(form.get("reason", "")))[:MOST_REASON]


def remember(response: Response, name: str) -> None:
    response.set_cookie(
        _NAME_COOKIE, quote(clean_name(name)), max_age=_YEAR, httponly=True, samesite="lax", path="/"
    )


def forget(response: Response) -> None:
    response.delete_cookie(_NAME_COOKIE, path="/")


# Forms


def form_token(request: Request) -> str:
    """The token that this browser's forms carry; made once per browser."""
    token = request.cookies.get(_FORM_COOKIE) or getattr(request.state, "form_token", "")
    if not token:
        token = secrets.token_urlsafe(24)
        request.state.form_token = token
    return str(token)


def send_form_token(request: Request, response: Response) -> None:
    """Give the browser its token, if this page has just made one."""
    if _FORM_COOKIE not in request.cookies:
        response.set_cookie(
            _FORM_COOKIE, form_token(request), max_age=_YEAR, httponly=True, samesite="strict", path="/"
        )


async def read_form(request: Request) -> FormData:
    """The form that was sent, once it is certain that a page of ours sent it.

    Raises:
        Problem: it came from elsewhere, or the page is older than the browser's cookies.
    """
    refuse_elsewhere(request)
    form = await request.form(max_fields=2000)
    given, kept = str(form.get(_FORM_FIELD, "")), request.cookies.get(_FORM_COOKIE, "")
    if not kept or not hmac.compare_digest(given.encode(), kept.encode()):
        raise Problem(403, "This page is too old to act from. Load it again, then repeat what you did.")
    return form


def refuse_elsewhere(request: Request) -> None:
    """Refuse a request that another site's page made this browser send.

    Raises:
        Problem: the browser says that it comes from another site.
    """
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign = origin is not None and urlsplit(origin).netloc != host
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "This request comes from another site; open Countermand itself and act there.")


def must_be(request: Request, needs: Role) -> None:
    """Refuse whoever has signed in and may not do this.

    Raises:
        Problem: they may not.
    """
    person = signed_in(request)
    if person is not None and not person.role.includes(needs):
        raise Problem(
            403, f"You are signed in as {person.name}, {_A[person.role]}; this is for {_A[needs]} to do."
        )


_A = {role: f"an {role.value}" if role.value[0] in "aeiou" else f"a {role.value}" for role in Role}


def must_act(request: Request, needs: Role = Role.OPERATOR) -> Person:
    """The person who acts.

    Raises:
        Problem: nobody has said who they are, or whoever has signed in may not do this.
    """
    must_be(request, needs)
    person = acting(request)
    if person is None:
        raise Problem(403, "Please say who you are first: your name stands in the journal beside each act.")
    return person
