"""Trying an Infigo connection: one sentence that names the setting to look at."""

from __future__ import annotations

from datetime import datetime, timedelta

from countermand.infigo.client import InfigoClient
from countermand.infigo.reading import moment_text
from countermand.infigo.settings import InfigoSettings
from countermand.vendor_http.fields import as_text, pick, rows
from countermand.vendor_http.reply import TRANSIENT, CallOutcome, Reply

#: A line id that no storefront has: the call shows that the header is accepted, and answers `null`.
_NO_LINE = "s0"
_RECENTLY = timedelta(days=1)


async def check_connection(client: InfigoClient, settings: InfigoSettings, now: datetime) -> str | None:
    """None when good, else what is wrong first: the host, the token, its spelling, the script, our clock."""
    problem = _rest_problem(await client.auth(), "token")
    problem = problem or _rest_problem(await client.order_line(_NO_LINE), "token and auth_style")
    if problem is None and settings.has_script:
        problem = _script_problem(await client.run_script("ping", {}), settings)
    if problem is None and settings.has_script:
        newest = {"since": moment_text(now - _RECENTLY), "page": 0, "size": 1}
        problem = _listing_problem(await client.run_script("orders.list", newest))
    return problem or client.clock_problem()


def _rest_problem(reply: Reply, setting: str) -> str | None:
    if reply.ok:
        return None
    if reply.outcome is CallOutcome.UNREACHABLE:
        return f"{reply.said}: check base_url"
    if reply.outcome in TRANSIENT:
        return f"{reply.said}: try again later, or check base_url"
    if reply.status in (401, 403):
        return f"Infigo did not accept the token (HTTP {reply.status}): check {setting}"
    if reply.outcome is CallOutcome.UNEXPECTED:
        return f"{reply.said}: check base_url, then {setting}"
    return f"{reply.said}: check base_url and {setting}"


def _script_problem(reply: Reply, settings: InfigoSettings) -> str | None:
    code = as_text(pick(reply.value, "error.code"))
    if code == "forbidden":
        return "The MegaScript did not accept the secret: check megascript_secret"
    if code:
        return f"The MegaScript answered {code}: {_message(reply)}"
    if reply.outcome in TRANSIENT or reply.outcome is CallOutcome.UNREACHABLE:
        return f"{reply.said}: try again later, or check base_url"
    if reply.ok and as_text(pick(reply.value, "script")) == "countermand":
        return None
    return f"No Countermand script answers at {settings.megascript_path}: check megascript_path"


def _listing_problem(reply: Reply) -> str | None:
    """Without a search that answers, what is new goes unnoticed until a message tells of it."""
    if reply.ok and rows(reply.value, "orders") is not None:
        return None
    said = _message(reply) or "its answer holds no list of orders"
    return f"The MegaScript cannot search for orders: {said}"


def _message(reply: Reply) -> str:
    return as_text(pick(reply.value, "error.message")) or reply.said
