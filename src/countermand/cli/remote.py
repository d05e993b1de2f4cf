"""Talking to a running Countermand over its HTTP API."""

from __future__ import annotations

import getpass
import os
import re
from typing import Any

import click
import httpx2 as httpx

from countermand.cli.which import by_option

url_option = click.option(
    "--url",
    default="http://127.0.0.1:8100",
    show_default=True,
    envvar="COUNTERMAND_URL",
    help="Where Countermand runs.",
)


#: A header to send with every call, as `Name: value`: where people sign in, whatever that asks for.
HEADER_VARIABLE = "COUNTERMAND_HEADER"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SIGN_IN = f"Here that is said by {HEADER_VARIABLE}, such as `X-Forwarded-User: priya`."


def your_name() -> str:
    """Who acts when nobody is named: your login; nobody where a header says who has signed in."""
    return "" if os.environ.get(HEADER_VARIABLE) else getpass.getuser()


def get(url: str, path: str, **query: str) -> Any:
    """The answer's JSON; a refusal or silence becomes one sentence."""
    return _answer(url, "GET", path, params=query)


def post(url: str, path: str, body: dict[str, object], *, timeout: float = 30, **query: str) -> Any:
    """As `get`; `timeout` in seconds."""
    return _answer(url, "POST", path, timeout, json=body, params=query)


def _answer(url: str, method: str, path: str, timeout: float = 30, **more: Any) -> Any:
    headers = _headers(os.environ.get(HEADER_VARIABLE, ""))
    try:
        answer = httpx.request(
            method, f"{url.rstrip('/')}{path}", timeout=timeout, trust_env=False, headers=headers, **more
        )
        value = answer.json()
    except httpx.HTTPError as error:
        raise click.ClickException(
            f"No Countermand answers at {url}: is `countermand serve` or `demo` running? "
            f"Where it has another address, give that by --url or COUNTERMAND_URL. ({error})"
        ) from error
    except ValueError as error:
        raise click.ClickException(f"What answers at {url} is not Countermand.") from error
    if answer.is_error:
        why = _why(value) or f"{url} answered with HTTP {answer.status_code}."
        raise click.ClickException(f"{why} {_SIGN_IN}" if answer.status_code == 401 else why)
    return value


def _headers(text: str) -> dict[bytes, bytes]:
    """The header in UTF-8. What is none is refused here, where it is not shown: it may hold a password."""
    name, _, value = (part.strip() for part in text.partition(":"))
    if text and not (_NAME.fullmatch(name) and value and value.isprintable()):
        raise click.ClickException(f"{HEADER_VARIABLE} must be a header such as `X-Forwarded-User: priya`.")
    return {name.encode(): value.encode()} if text else {}


def _why(value: Any) -> str:
    """The sentence of a refusal, and what to do where the order of several shops may be meant."""
    if not isinstance(value, dict) or not value.get("error"):
        return ""
    shops = {order.get("connection") for order in value.get("orders", ()) if isinstance(order, dict)}
    return by_option(str(value["error"])) if len(shops) > 1 else str(value["error"])


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Columns as wide as their widest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    lines = [headings, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
